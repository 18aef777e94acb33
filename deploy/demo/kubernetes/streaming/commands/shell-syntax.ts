/** Cuts shell scripts into commands and words: quotes, variables, `;`, `&&`, `||`, new lines. */

/** One command of a script and what joins it to the one before. */
export interface ShellCommand {
  readonly operator: ';' | '&&' | '||';
  readonly words: readonly string[];
}

const TOKEN = /\s*(?:(&&|\|\||;|\n)|((?:"[^"]*"|'[^']*'|\\.|[^\s;&|"'\\]|&(?!&)|\|(?!\|))+))/gy;

/** Parses a script; variables are replaced by their values, unknown ones by nothing. */
export function parseScript(
  script: string,
  environment: Readonly<Record<string, string>>,
): ShellCommand[] {
  const commands: ShellCommand[] = [];
  let operator: ShellCommand['operator'] = ';';
  let words: string[] = [];
  const finish = () => {
    if (words.length > 0) commands.push({ operator, words });
    words = [];
  };
  for (const [, joint, word] of script.matchAll(TOKEN)) {
    if (word !== undefined) {
      words.push(unquoted(word, environment));
      continue;
    }
    finish();
    operator = joint === '&&' || joint === '||' ? joint : ';';
  }
  finish();
  return commands;
}

function unquoted(word: string, environment: Readonly<Record<string, string>>): string {
  const expand = (text: string) =>
    text.replace(/\$\{?(\w+)\}?/g, (_all, name: string) => environment[name] ?? '');
  return word.replace(
    /"([^"]*)"|'([^']*)'|\\(.)|([^"'\\]+)/g,
    (_all, double?: string, single?: string, escaped?: string, plain?: string) =>
      single ?? escaped ?? expand(double ?? plain ?? ''),
  );
}

/**
 * Dockerfiles as tests read them: stages with their instructions, and what an image is made of when stages
 * build on each other.
 */

/** One instruction; continuation lines are joined. */
export interface Instruction {
  readonly name: string;
  readonly text: string;
}

/** One stage, from FROM to the next. */
export interface Stage {
  readonly name: string;
  /** As written after FROM, build arguments filled in with their defaults. */
  readonly from: string;
  readonly instructions: readonly Instruction[];
}

/** The stages of a Dockerfile by name, in order. */
export function stagesOf(dockerfile: string): ReadonlyMap<string, Stage> {
  const stages = new Map<string, Stage>();
  const defaults = new Map<string, string>();
  let instructions: Instruction[] = [];
  for (const { name, text } of instructionsOf(dockerfile)) {
    if (name === 'ARG' && stages.size === 0) {
      const [argument = '', value = ''] = text.split('=');
      defaults.set(argument, value);
    } else if (name === 'FROM') {
      const [, image = '', stage = ''] = /^(\S+) AS (\S+)$/.exec(text) ?? [];
      const from = image.replace(/\$\{(\w+)\}/g, (_, key: string) => defaults.get(key) ?? '');
      instructions = [];
      stages.set(stage, { name: stage, from, instructions });
    } else {
      instructions.push({ name, text });
    }
  }
  return stages;
}

/** The instructions of an image: those of the stages it builds on first. */
export function imageOf(stages: ReadonlyMap<string, Stage>, target: string): Instruction[] {
  const stage = stages.get(target);
  if (stage === undefined) return [];
  return [...imageOf(stages, stage.from), ...stage.instructions];
}

/** The text of the last instruction of that name, which is the one that counts. */
export function lastOf(image: readonly Instruction[], name: string): string | undefined {
  return image.findLast((instruction) => instruction.name === name)?.text;
}

function instructionsOf(dockerfile: string): Instruction[] {
  return dockerfile
    .replace(/^#.*\n/gm, '')
    .replace(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, name = '', text = ''] = /^(\w+)\s+(.*)$/.exec(line) ?? [];
      return { name, text: text.trim() };
    });
}

/**
 * Reads the value of a numeric constant from the text of a source file, so that pages show what stands
 * there. Understands what such constants are made of: numbers, other constants of the file, `*`, `<<`.
 */

/** The value of `const NAME = …` or of the property `name: …`. Throws when there is none or it is no number. */
export function constantValue(source: string, name: string): number {
  const match = new RegExp(`(?:\\bconst ${name}(?::[^=]+)? =|^\\s+${name}:)([^;,]+)[;,]`, 'm').exec(
    source,
  );
  if (match === null) throw new Error(`there is no constant ${name}`);
  return valueOf(source, match[1] ?? '');
}

function valueOf(source: string, expression: string): number {
  const shift = expression.split('<<');
  if (shift.length === 2) return valueOf(source, shift[0] ?? '') << valueOf(source, shift[1] ?? '');
  return expression
    .split('*')
    .map((factor) => factorOf(source, factor.trim()))
    .reduce((product, factor) => product * factor, 1);
}

function factorOf(source: string, text: string): number {
  if (/^[\d_]+$/.test(text)) return Number(text.replaceAll('_', ''));
  if (/^[A-Z][A-Z0-9_]*$/.test(text)) return constantValue(source, text);
  throw new Error(`"${text}" is not a number`);
}

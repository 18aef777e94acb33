/**
 * CONFIGURATION.md: the options of both processes and of the services file, from their schemas.
 */
import { agentConfigFormat, servicesConfigFormat } from '../../agent/config.js';
import { controllerConfigFormat } from '../../controller/config.js';
import { optionRows, optionSchema, optionTable } from './option-table.js';
import type { OptionSchema } from './option-table.js';
import { tableOf } from './markdown-table.js';
import type { PageSections } from './page-sections.js';

const NOTHING: ReadonlySet<string> = new Set();
/** Both have tables of their own. */
const ELSEWHERE = new Set(['limits', 'services']);

/** The generated parts of the page. */
export function configurationPage(): PageSections {
  const services = optionSchema(servicesConfigFormat.options);
  const outgoing = outgoingKinds(services);
  return new Map([
    ['controller options', optionsOf(optionSchema(controllerConfigFormat.options), ELSEWHERE)],
    ['agent options', optionsOf(optionSchema(agentConfigFormat.options), ELSEWHERE)],
    ['outgoing services', optionsOf(outgoing.generic, new Set(['config']))],
    ['kubernetes services', optionsOf(configOf(outgoing.kubernetes), NOTHING)],
    ['generic services', optionsOf(configOf(outgoing.generic), NOTHING)],
    ['incoming services', optionsOf(incomingItem(services), NOTHING)],
    ['obsolete keys', obsoleteKeys()],
  ]);
}

function optionsOf(schema: OptionSchema, without: ReadonlySet<string>): string {
  return optionTable(optionRows(schema, without));
}

/** The members of the union of service kinds. */
function outgoingKinds(services: OptionSchema): {
  readonly kubernetes: OptionSchema;
  readonly generic: OptionSchema;
} {
  const kinds = services.properties?.['outgoingServices']?.items?.anyOf ?? [];
  const having = (option: string): OptionSchema => {
    const found = kinds.find((kind) => configOf(kind).properties?.[option] !== undefined);
    if (found === undefined) throw new Error(`no kind of service has the option config.${option}`);
    return found;
  };
  return { kubernetes: having('kubeConfig'), generic: having('url') };
}

function configOf(service: OptionSchema): OptionSchema {
  return service.properties?.['config'] ?? {};
}

function incomingItem(services: OptionSchema): OptionSchema {
  const item = services.properties?.['incomingServices']?.items;
  if (item === undefined) throw new Error('incomingServices is no list');
  return item;
}

/** Keys that older versions knew: accepted with a warning, and without effect. */
function obsoleteKeys(): string {
  const files = [
    ['controller', controllerConfigFormat.obsolete],
    ['agent', agentConfigFormat.obsolete],
    ['services file', servicesConfigFormat.obsolete],
  ] as const;
  return tableOf(
    ['file', 'key', 'why it does nothing'],
    files.flatMap(([file, keys]) =>
      Object.entries(keys).map(([key, why]) => [file, `\`${key}\``, why]),
    ),
  );
}

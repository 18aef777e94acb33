/**
 * What one endpoint of the control API is, and the two ways to make one: from a JSON request
 * (`jsonEndpoint`) or without a request body (`readEndpoint`). Endpoints know nothing of sockets,
 * methods refused or credentials; `control-api.ts` deals with those first.
 */
import type { ControlResponse } from './control-response.js';
import { firstJsonObject } from './first-json-value.js';
import type { Operator } from './operator-auth.js';
import type { RequestFields, RequestOf } from './request-fields.js';

/** One endpoint. `answer` throws TunnelError for requests it cannot serve. */
export interface ControlEndpoint {
  readonly method: 'GET' | 'POST';
  answer(body: string, operator: Operator): Promise<ControlResponse>;
}

/**
 * A POST endpoint: the body is checked against `fields` in their order, then handed on.
 * Keys are matched without regard to case, as Go does and older SAPORs need (`Type`, `Name`);
 * the exact spelling wins unless it is empty. Unknown keys are ignored.
 */
export function jsonEndpoint<const Fields extends RequestFields>(
  fields: Fields,
  handle: (
    request: RequestOf<Fields>,
    operator: Operator,
  ) => Promise<ControlResponse> | ControlResponse,
): ControlEndpoint {
  return {
    method: 'POST',
    async answer(body, operator) {
      const sent = firstJsonObject(body, Object.keys(fields));
      return await handle(checkedRequest(fields, sent), operator);
    },
  };
}

/** A GET endpoint; a body is not looked at. */
export function readEndpoint(handle: () => ControlResponse): ControlEndpoint {
  return { method: 'GET', answer: () => Promise.resolve(handle()) };
}

function checkedRequest<Fields extends RequestFields>(
  fields: Fields,
  sent: ReadonlyMap<string, unknown>,
): RequestOf<Fields> {
  const checked = Object.entries(fields).map(([name, field]) => [
    name,
    field(sentValue(sent, name), name),
  ]);
  // Object.entries and fromEntries lose which field had which type; each name kept its own field.
  return Object.fromEntries(checked) as RequestOf<Fields>;
}

function sentValue(sent: ReadonlyMap<string, unknown>, name: string): unknown {
  const exact = sent.get(name);
  if (exact !== undefined && exact !== null && exact !== '') return exact;
  const folded = name.toLowerCase();
  const aliases = [...sent].filter(([key]) => key.toLowerCase() === folded && key !== name);
  return aliases.at(-1)?.[1] ?? exact;
}

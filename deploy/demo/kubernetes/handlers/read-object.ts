/** GET of one object. */
import { acceptedForm } from '../http/accept.js';
import { headerOf } from '../http/exchange.js';
import { sendJson } from '../http/respond.js';
import type { ResourceRequest } from './handler-context.js';
import { requestedObject } from './handler-context.js';
import { ObjectAnswer } from './object-answer.js';

/** Answers with the object in the form asked for. */
export async function readOneObject(request: ResourceRequest): Promise<void> {
  const { cluster, exchange, resource } = request;
  const form = acceptedForm(headerOf(exchange, 'accept'));
  const includeObject = exchange.query.get('includeObject') ?? 'Metadata';
  const body = new ObjectAnswer(cluster, resource, form, includeObject).one(
    requestedObject(request),
  );
  await sendJson(exchange, 200, body);
}

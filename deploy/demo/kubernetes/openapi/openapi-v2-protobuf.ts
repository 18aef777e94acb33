/**
 * Writes the OpenAPI v2 document in the protobuf form that kubectl asks for first.
 * Field numbers are those of openapiv2/OpenAPIv2.proto in google/gnostic; extensions (`x-…`) are
 * carried as YAML text, of which JSON is a part.
 */
import type { Json, JsonObject } from '../objects/json-value.js';
import { listAt, objectAt, stringAt, textOf, valueAt } from '../objects/json-value.js';
import { ProtobufWriter } from './protobuf-writer.js';

/** The protobuf bytes of a document made by openapiV2. */
export function openapiV2Protobuf(document: JsonObject): Buffer {
  return new ProtobufWriter()
    .string(1, stringAt(document, 'swagger'))
    .message(2, (info) => {
      info
        .string(1, stringAt(document, 'info', 'title'))
        .string(2, stringAt(document, 'info', 'version'));
    })
    .message(8, (paths) => {
      writeNamed(paths, 2, objectAt(document, 'paths'), writePathItem);
    })
    .message(9, (definitions) => {
      writeNamed(definitions, 1, objectAt(document, 'definitions'), writeSchema);
    })
    .finish();
}

type WriteValue = (writer: ProtobufWriter, value: Json) => void;

/** Maps are repeated (name = 1, value = 2) messages. */
function writeNamed(
  writer: ProtobufWriter,
  field: number,
  entries: JsonObject,
  writeValue: WriteValue,
): void {
  for (const [name, value] of Object.entries(entries)) {
    writer.message(field, (entry) => {
      entry.string(1, name).message(2, (nested) => {
        writeValue(nested, value);
      });
    });
  }
}

function writeExtensions(writer: ProtobufWriter, field: number, object: Json): void {
  const extensions = Object.entries(objectAt(object)).filter(([key]) => key.startsWith('x-'));
  writeNamed(writer, field, Object.fromEntries(extensions), (any, value) => {
    any.string(2, JSON.stringify(value));
  });
}

function writeSchema(writer: ProtobufWriter, schema: Json): void {
  writer
    .string(1, stringAt(schema, '$ref'))
    .string(2, stringAt(schema, 'format'))
    .string(4, stringAt(schema, 'description'));
  for (const name of listAt(schema, 'required')) writer.string(19, textOf(name));
  const additional = valueAt(schema, 'additionalProperties');
  if (additional !== undefined) {
    writer.message(21, (item) => {
      item.message(1, (nested) => {
        writeSchema(nested, additional);
      });
    });
  }
  const type = stringAt(schema, 'type');
  if (type !== '') writer.message(22, (item) => item.string(1, type));
  const items = valueAt(schema, 'items');
  if (items !== undefined) {
    writer.message(23, (item) => {
      item.message(1, (nested) => {
        writeSchema(nested, items);
      });
    });
  }
  const properties = valueAt(schema, 'properties');
  if (properties !== undefined) {
    writer.message(25, (named) => {
      writeNamed(named, 1, objectAt(properties), writeSchema);
    });
  }
  writeExtensions(writer, 31, schema);
}

const OPERATION_FIELDS: readonly (readonly [string, number])[] = [
  ['get', 2],
  ['put', 3],
  ['post', 4],
  ['delete', 5],
  ['patch', 8],
];

function writePathItem(writer: ProtobufWriter, item: Json): void {
  for (const [method, field] of OPERATION_FIELDS) {
    const operation = valueAt(item, method);
    if (operation === undefined) continue;
    writer.message(field, (nested) => {
      writeOperation(nested, operation);
    });
  }
}

function writeOperation(writer: ProtobufWriter, operation: Json): void {
  writer
    .string(3, stringAt(operation, 'description'))
    .string(5, stringAt(operation, 'operationId'));
  for (const parameter of listAt(operation, 'parameters')) {
    // ParametersItem.parameter > Parameter.non_body_parameter > query_parameter_sub_schema
    writer.message(8, (item) => {
      item.message(1, (any) => {
        any.message(2, (nonBody) => {
          nonBody.message(3, (query) => {
            query
              .string(2, stringAt(parameter, 'in'))
              .string(4, stringAt(parameter, 'name'))
              .string(6, stringAt(parameter, 'type'))
              .boolean(20, valueAt(parameter, 'uniqueItems') === true);
          });
        });
      });
    });
  }
  writer.message(9, (responses) => {
    writeNamed(responses, 1, objectAt(operation, 'responses'), (value, response) => {
      value.message(1, (body) => body.string(1, stringAt(response, 'description')));
    });
  });
  writeExtensions(writer, 13, operation);
}

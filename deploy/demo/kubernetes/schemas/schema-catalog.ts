/**
 * All types of the demo API by short name. Built once per server; read by OpenAPI, validation,
 * strategic merge and managed fields.
 */
import {
  admissionSchemas,
  coordinationSchemas,
  endpointSliceSchemas,
  extensionSchemas,
  metricsSchemas,
  networkingSchemas,
  rbacSchemas,
  registrationSchemas,
  schedulingSchemas,
  storageSchemas,
} from './cluster-schemas.js';
import { coreSchemas } from './core-schemas.js';
import { META_PACKAGE, metaSchemas } from './meta-schemas.js';
import { podSchemas } from './pod-schemas.js';
import type { Field, FieldType, SchemaCatalog, SchemaDefinition } from './schema-definition.js';
import { parseSchemas } from './schema-definition.js';
import {
  appsSchemas,
  autoscalingSchemas,
  batchSchemas,
  policySchemas,
} from './workload-schemas.js';

/** Parses every schema source. Kinds get apiVersion, kind and metadata added by kindSchema. */
export function createSchemaCatalog(): SchemaCatalog {
  const definitions: SchemaDefinition[] = [
    ...parseSchemas(META_PACKAGE, metaSchemas),
    ...parseSchemas('io.k8s.api.core.v1', { ...podSchemas, ...coreSchemas }),
    ...parseSchemas('io.k8s.api.apps.v1', appsSchemas),
    ...parseSchemas('io.k8s.api.batch.v1', batchSchemas),
    ...parseSchemas('io.k8s.api.autoscaling.v1', autoscalingSchemas),
    ...parseSchemas('io.k8s.api.policy.v1', policySchemas),
    ...parseSchemas('io.k8s.api.networking.v1', networkingSchemas),
    ...parseSchemas('io.k8s.api.rbac.v1', rbacSchemas),
    ...parseSchemas('io.k8s.api.storage.v1', storageSchemas),
    ...parseSchemas('io.k8s.api.coordination.v1', coordinationSchemas),
    ...parseSchemas('io.k8s.api.discovery.v1', endpointSliceSchemas),
    ...parseSchemas('io.k8s.api.scheduling.v1', schedulingSchemas),
    ...parseSchemas('io.k8s.api.admissionregistration.v1', admissionSchemas),
    ...parseSchemas('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1', extensionSchemas),
    ...parseSchemas('io.k8s.kube-aggregator.pkg.apis.apiregistration.v1', registrationSchemas),
    ...parseSchemas('io.k8s.metrics.pkg.apis.metrics.v1beta1', metricsSchemas),
  ];
  return new Map(definitions.map((definition) => [definition.name, definition]));
}

const TYPE_FIELDS: ReadonlyMap<string, Field> = new Map<string, Field>([
  [
    'apiVersion',
    plain(
      { kind: 'scalar', type: 'string' },
      'APIVersion defines the versioned schema of this representation of an object.',
    ),
  ],
  [
    'kind',
    plain(
      { kind: 'scalar', type: 'string' },
      'Kind is a string value representing the REST resource this object represents.',
    ),
  ],
  [
    'metadata',
    {
      ...plain({ kind: 'reference', name: 'ObjectMeta' }, "Standard object's metadata."),
      protobufNumber: 1,
    },
  ],
]);

/**
 * The schema of a whole object of a kind: its own fields and those that every kind has.
 * Undefined for kinds without a schema, such as custom resources.
 */
export function kindSchema(catalog: SchemaCatalog, kind: string): SchemaDefinition | undefined {
  const definition = catalog.get(kind);
  if (definition === undefined) return undefined;
  return { ...definition, fields: new Map([...TYPE_FIELDS, ...definition.fields]) };
}

/** The fields behind a type: those of the named definition; undefined for anything else. */
export function fieldsOfType(
  catalog: SchemaCatalog,
  type: FieldType | undefined,
): ReadonlyMap<string, Field> | undefined {
  return type?.kind === 'reference' ? catalog.get(type.name)?.fields : undefined;
}

function plain(type: FieldType, description: string): Field {
  return { type, isRequired: false, retainsKeys: false, description };
}

/**
 * Refuses objects that an apiserver would refuse with 422, for the mistakes people really make:
 * bad names, missing containers, selectors that do not match, immutable fields.
 */
import type { Json, JsonObject } from '../objects/json-value.js';
import {
  equalJson,
  listAt,
  objectAt,
  stringAt,
  stringsAt,
  valueAt,
} from '../objects/json-value.js';
import type { KubeObject } from '../objects/kube-object.js';
import { nameOf } from '../objects/kube-object.js';
import type { ServedResource } from '../resources/resource-definition.js';
import type { StatusCause } from '../status-error.js';
import { invalid } from '../status-error.js';

/** Checks a new object, or a changed one against its previous state. Throws a 422 StatusError. */
export function validateObject(
  resource: ServedResource,
  object: KubeObject,
  previous?: KubeObject,
): void {
  const causes = [
    ...nameCauses(object),
    ...(VALIDATORS[object.kind]?.(object) ?? []),
    ...(previous === undefined ? [] : immutableCauses(object, previous)),
  ];
  if (causes.length > 0) throw invalid(resource.definition, nameOf(object), causes);
}

const VALIDATORS: Readonly<Record<string, (object: KubeObject) => StatusCause[]>> = {
  Pod: (pod) => containerCauses(objectAt(pod, 'spec'), 'spec'),
  Deployment: templateCauses,
  ReplicaSet: templateCauses,
  StatefulSet: templateCauses,
  DaemonSet: templateCauses,
  Job: (job) => containerCauses(objectAt(job, 'spec', 'template', 'spec'), 'spec.template.spec'),
  CronJob: (object) =>
    stringAt(object, 'spec', 'schedule') === '' ? [required('spec.schedule')] : [],
  Service: (service) => {
    const needsPorts = stringAt(service, 'spec', 'type') !== 'ExternalName';
    return needsPorts && listAt(service, 'spec', 'ports').length === 0
      ? [required('spec.ports')]
      : [];
  },
};

function nameCauses(object: KubeObject): StatusCause[] {
  const name = nameOf(object);
  if (name === '') {
    return [
      { ...required('metadata.name'), message: 'Required value: name or generateName is required' },
    ];
  }
  // Roles and the like may have names such as system:node, so only what no path can hold is refused.
  const isAccessRule = /Role/.test(object.kind);
  const isValid = isAccessRule
    ? !/[/%]/.test(name)
    : /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(name);
  if (isValid && name.length <= 253) return [];
  const rule =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
  return [
    {
      reason: 'FieldValueInvalid',
      message: `Invalid value: "${name}": ${rule}`,
      field: 'metadata.name',
    },
  ];
}

function templateCauses(object: KubeObject): StatusCause[] {
  const path = 'spec.template';
  const causes = containerCauses(objectAt(object, 'spec', 'template', 'spec'), `${path}.spec`);
  const selected = stringsAt(object, 'spec', 'selector', 'matchLabels');
  const labels = stringsAt(object, 'spec', 'template', 'metadata', 'labels');
  if (valueAt(object, 'spec', 'selector') === undefined) causes.push(required('spec.selector'));
  else if (Object.entries(selected).some(([key, value]) => labels[key] !== value)) {
    causes.push({
      reason: 'FieldValueInvalid',
      message: `Invalid value: ${goMap(labels)}: \`selector\` does not match template \`labels\``,
      field: `${path}.metadata.labels`,
    });
  }
  const replicas = valueAt(object, 'spec', 'replicas');
  if (typeof replicas === 'number' && replicas < 0) {
    causes.push({
      reason: 'FieldValueInvalid',
      message: `Invalid value: ${replicas}: must be greater than or equal to 0`,
      field: 'spec.replicas',
    });
  }
  return causes;
}

function containerCauses(podSpec: JsonObject, path: string): StatusCause[] {
  const containers = listAt(podSpec, 'containers');
  if (containers.length === 0) return [required(`${path}.containers`)];
  return containers.flatMap((container, index) =>
    ['name', 'image']
      .filter((field) => stringAt(container, field) === '')
      .map((field) => required(`${path}.containers[${index}].${field}`)),
  );
}

function immutableCauses(object: KubeObject, previous: KubeObject): StatusCause[] {
  const isWorkload = ['Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet', 'Job'].includes(
    object.kind,
  );
  const fields = isWorkload ? [['spec', 'selector']] : [];
  if (object.kind === 'Job') fields.push(['spec', 'template']);
  const changed = fields
    .filter((field) => !equalJson(valueAt(object, ...field), valueAt(previous, ...field)))
    .map((field) => immutable(field.join('.'), valueAt(object, ...field) ?? null));
  if (object.kind === 'Pod' && !equalJson(fixedPodSpec(object), fixedPodSpec(previous))) {
    changed.push({
      reason: 'FieldValueForbidden',
      message:
        'Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
      field: 'spec',
    });
  }
  return changed;
}

/** The parts of a pod's spec that may never change. */
function fixedPodSpec(pod: KubeObject): JsonObject {
  const containers = listAt(pod, 'spec', 'containers').map((container) => ({
    ...objectAt(container),
    image: '',
  }));
  const free = { containers, initContainers: null, activeDeadlineSeconds: null, tolerations: null };
  return { ...objectAt(pod, 'spec'), ...free, nodeName: null };
}

function immutable(field: string, value: Json): StatusCause {
  return {
    reason: 'FieldValueInvalid',
    message: `Invalid value: ${JSON.stringify(value)}: field is immutable`,
    field,
  };
}

function required(field: string): StatusCause {
  return { reason: 'FieldValueRequired', message: 'Required value', field };
}

function goMap(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([key, value]) => `"${key}":"${value}"`);
  return `map[string]string{${pairs.sort().join(', ')}}`;
}

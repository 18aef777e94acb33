/** Columns of deployments, replica sets, stateful sets, daemon sets, jobs and autoscalers. */
import type { JsonObject } from '../objects/json-value.js';
import { listAt, numberAt, objectAt, stringAt, valueAt } from '../objects/json-value.js';
import { ownersOf } from '../objects/kube-object.js';
import {
  ageColumn,
  containerColumns,
  nameColumn,
  numberColumn,
  selectorColumn,
  textColumn,
  wideColumn,
} from './column.js';
import { ageOf, humanDuration } from './human-duration.js';
import type { Column } from './resource-definition.js';

const podTemplate = ['spec', 'template', 'spec'];

/** NAME READY UP-TO-DATE AVAILABLE AGE. */
export const deploymentColumns: readonly Column[] = [
  nameColumn,
  textColumn('Ready', readyOfDesired, 'Number of the pod with ready state'),
  numberColumn('Up-to-date', (object) => numberAt(object, 'status', 'updatedReplicas')),
  numberColumn('Available', (object) => numberAt(object, 'status', 'availableReplicas')),
  ageColumn,
  ...containerColumns(...podTemplate),
  selectorColumn('spec', 'selector'),
];

/** NAME DESIRED CURRENT READY AGE. */
export const replicaSetColumns: readonly Column[] = [
  nameColumn,
  numberColumn('Desired', (object) => numberAt(object, 'spec', 'replicas')),
  numberColumn('Current', (object) => numberAt(object, 'status', 'replicas')),
  numberColumn('Ready', (object) => numberAt(object, 'status', 'readyReplicas')),
  ageColumn,
  ...containerColumns(...podTemplate),
  selectorColumn('spec', 'selector'),
];

/** NAME READY AGE. */
export const statefulSetColumns: readonly Column[] = [
  nameColumn,
  textColumn('Ready', readyOfDesired),
  ageColumn,
  ...containerColumns(...podTemplate),
];

/** NAME DESIRED CURRENT READY UP-TO-DATE AVAILABLE NODE-SELECTOR AGE. */
export const daemonSetColumns: readonly Column[] = [
  nameColumn,
  numberColumn('Desired', (object) => numberAt(object, 'status', 'desiredNumberScheduled')),
  numberColumn('Current', (object) => numberAt(object, 'status', 'currentNumberScheduled')),
  numberColumn('Ready', (object) => numberAt(object, 'status', 'numberReady')),
  numberColumn('Up-to-date', (object) => numberAt(object, 'status', 'updatedNumberScheduled')),
  numberColumn('Available', (object) => numberAt(object, 'status', 'numberAvailable')),
  textColumn('Node Selector', () => '<none>'),
  ageColumn,
  ...containerColumns(...podTemplate),
  selectorColumn('spec', 'selector'),
];

/** CONTROLLER REVISION AGE. */
export const controllerRevisionColumns: readonly Column[] = [
  nameColumn,
  textColumn('Controller', (object) => {
    const owner = ownersOf(object)[0];
    return owner === undefined ? '<none>' : `${owner.kind.toLowerCase()}.apps/${owner.name}`;
  }),
  numberColumn('Revision', (object) => numberAt(object, 'revision')),
  ageColumn,
];

/** NAME STATUS COMPLETIONS DURATION AGE. */
export const jobColumns: readonly Column[] = [
  nameColumn,
  textColumn('Status', jobStatus),
  textColumn(
    'Completions',
    (job) => `${numberAt(job, 'status', 'succeeded')}/${numberAt(job, 'spec', 'completions')}`,
  ),
  textColumn('Duration', jobDuration),
  ageColumn,
  ...containerColumns(...podTemplate),
  selectorColumn('spec', 'selector'),
];

/** NAME SCHEDULE TIMEZONE SUSPEND ACTIVE LAST-SCHEDULE AGE. */
export const cronJobColumns: readonly Column[] = [
  nameColumn,
  textColumn('Schedule', (object) => stringAt(object, 'spec', 'schedule')),
  textColumn('Timezone', (object) => stringAt(object, 'spec', 'timeZone') || '<none>'),
  textColumn('Suspend', (object) =>
    valueAt(object, 'spec', 'suspend') === true ? 'True' : 'False',
  ),
  numberColumn('Active', (object) => listAt(object, 'status', 'active').length),
  textColumn('Last Schedule', (object, now) => {
    const time = stringAt(object, 'status', 'lastScheduleTime');
    return time === '' ? '<none>' : ageOf(time, now);
  }),
  ageColumn,
  ...containerColumns('spec', 'jobTemplate', 'spec', 'template', 'spec'),
];

/** NAME REFERENCE TARGETS MINPODS MAXPODS REPLICAS AGE. */
export const autoscalerColumns: readonly Column[] = [
  nameColumn,
  textColumn('Reference', (object) => {
    const target = objectAt(object, 'spec', 'scaleTargetRef');
    return `${stringAt(target, 'kind')}/${stringAt(target, 'name')}`;
  }),
  textColumn('Targets', autoscalerTargets),
  numberColumn('MinPods', (object) => numberAt(object, 'spec', 'minReplicas')),
  numberColumn('MaxPods', (object) => numberAt(object, 'spec', 'maxReplicas')),
  numberColumn('Replicas', (object) => numberAt(object, 'status', 'currentReplicas')),
  ageColumn,
];

/** NAME MIN-AVAILABLE MAX-UNAVAILABLE ALLOWED-DISRUPTIONS AGE. */
export const disruptionBudgetColumns: readonly Column[] = [
  nameColumn,
  textColumn('Min Available', (object) => valueAt(object, 'spec', 'minAvailable') ?? 'N/A'),
  textColumn('Max Unavailable', (object) => valueAt(object, 'spec', 'maxUnavailable') ?? 'N/A'),
  numberColumn('Allowed Disruptions', (object) => numberAt(object, 'status', 'disruptionsAllowed')),
  ageColumn,
];

/** Containers column only of -o wide for replication controllers, otherwise as replica sets. */
export const replicationControllerColumns: readonly Column[] = [
  ...replicaSetColumns.slice(0, 5),
  ...containerColumns(...podTemplate),
  wideColumn('Selector', () => '<none>'),
];

function readyOfDesired(object: JsonObject): string {
  return `${numberAt(object, 'status', 'readyReplicas')}/${numberAt(object, 'spec', 'replicas')}`;
}

function jobStatus(job: JsonObject): string {
  const isTrue = (type: string) =>
    listAt(job, 'status', 'conditions').some(
      (condition) =>
        stringAt(condition, 'type') === type && stringAt(condition, 'status') === 'True',
    );
  if (isTrue('Complete')) return 'Complete';
  if (isTrue('Failed')) return 'Failed';
  return isTrue('Suspended') ? 'Suspended' : 'Running';
}

function jobDuration(job: JsonObject, now: Date): string {
  const start = stringAt(job, 'status', 'startTime');
  if (start === '') return '';
  const end = stringAt(job, 'status', 'completionTime');
  const endMs = end === '' ? now.getTime() : Date.parse(end);
  return humanDuration((endMs - Date.parse(start)) / 1000);
}

function autoscalerTargets(object: JsonObject): string {
  const metric = listAt(object, 'spec', 'metrics')[0];
  if (metric === undefined) return '<none>';
  const name = stringAt(metric, 'resource', 'name');
  return `${name}: <unknown>/${numberAt(metric, 'resource', 'target', 'averageUtilization')}%`;
}

/** Columns of pods and nodes. The STATUS text follows the apiserver's printers. */
import type { Json, JsonObject } from '../objects/json-value.js';
import {
  isJsonObject,
  listAt,
  numberAt,
  objectAt,
  stringAt,
  valueAt,
} from '../objects/json-value.js';
import { isTerminating, labelsOf } from '../objects/kube-object.js';
import { ageColumn, nameColumn, textColumn, wideColumn } from './column.js';
import type { Column } from './resource-definition.js';

/** NAME READY STATUS RESTARTS AGE, wide: IP NODE NOMINATED READINESS. */
export const podColumns: readonly Column[] = [
  nameColumn,
  textColumn(
    'Ready',
    readyCell,
    'The aggregate readiness state of this pod for accepting traffic.',
  ),
  textColumn('Status', statusCell, 'The aggregate status of the containers in this pod.'),
  textColumn(
    'Restarts',
    (pod) => String(restartsOf(pod)),
    'The number of times the containers in this pod have been restarted.',
  ),
  ageColumn,
  wideColumn('IP', (pod) => orNone(stringAt(pod, 'status', 'podIP'))),
  wideColumn('Node', (pod) => orNone(stringAt(pod, 'spec', 'nodeName'))),
  wideColumn('Nominated Node', (pod) => orNone(stringAt(pod, 'status', 'nominatedNodeName'))),
  wideColumn('Readiness Gates', () => '<none>'),
];

/** NAME STATUS ROLES AGE VERSION, wide: addresses and system. */
export const nodeColumns: readonly Column[] = [
  nameColumn,
  textColumn('Status', nodeStatus),
  textColumn('Roles', nodeRoles),
  ageColumn,
  textColumn('Version', (node) => stringAt(node, 'status', 'nodeInfo', 'kubeletVersion')),
  wideColumn('Internal-IP', (node) => addressOf(node, 'InternalIP')),
  wideColumn('External-IP', (node) => addressOf(node, 'ExternalIP')),
  wideColumn('OS-Image', (node) => stringAt(node, 'status', 'nodeInfo', 'osImage')),
  wideColumn('Kernel-Version', (node) => stringAt(node, 'status', 'nodeInfo', 'kernelVersion')),
  wideColumn('Container-Runtime', (node) =>
    stringAt(node, 'status', 'nodeInfo', 'containerRuntimeVersion'),
  ),
];

function readyCell(pod: JsonObject): Json {
  const ready = listAt(pod, 'status', 'containerStatuses').filter(
    (status) => valueAt(status, 'ready') === true,
  );
  return `${ready.length}/${listAt(pod, 'spec', 'containers').length}`;
}

function statusCell(pod: JsonObject): Json {
  let text = stringAt(pod, 'status', 'reason') || stringAt(pod, 'status', 'phase');
  for (const status of listAt(pod, 'status', 'containerStatuses')) {
    text = containerReason(objectAt(status, 'state')) ?? text;
  }
  return isTerminating(pod) ? 'Terminating' : text;
}

function containerReason(state: JsonObject): string | undefined {
  const waiting = stringAt(state, 'waiting', 'reason');
  if (waiting !== '') return waiting;
  if (!isJsonObject(state['terminated'])) return undefined;
  const reason = stringAt(state, 'terminated', 'reason');
  return reason === '' ? `ExitCode:${numberAt(state, 'terminated', 'exitCode')}` : reason;
}

function restartsOf(pod: JsonObject): number {
  return listAt(pod, 'status', 'containerStatuses').reduce<number>(
    (sum, status) => sum + numberAt(status, 'restartCount'),
    0,
  );
}

function nodeStatus(node: JsonObject): string {
  const ready = listAt(node, 'status', 'conditions').some(
    (condition) =>
      stringAt(condition, 'type') === 'Ready' && stringAt(condition, 'status') === 'True',
  );
  const cordoned = valueAt(node, 'spec', 'unschedulable') === true ? ',SchedulingDisabled' : '';
  return `${ready ? 'Ready' : 'NotReady'}${cordoned}`;
}

function nodeRoles(node: JsonObject): string {
  const prefix = 'node-role.kubernetes.io/';
  const roles = Object.keys(labelsOf(node))
    .filter((label) => label.startsWith(prefix))
    .map((label) => label.slice(prefix.length));
  return orNone(roles.sort().join(','));
}

function addressOf(node: JsonObject, type: string): string {
  const address = listAt(node, 'status', 'addresses').find(
    (entry) => stringAt(entry, 'type') === type,
  );
  return orNone(stringAt(address, 'address'));
}

function orNone(text: string): string {
  return text === '' ? '<none>' : text;
}

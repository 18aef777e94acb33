/** Columns of the remaining kinds: services, configuration, access control, storage, metrics. */
import type { JsonObject } from '../objects/json-value.js';
import { listAt, numberAt, objectAt, stringAt, textOf, valueAt } from '../objects/json-value.js';
import {
  ageColumn,
  nameColumn,
  numberColumn,
  selectorText,
  textColumn,
  wideColumn,
} from './column.js';
import { ageOf } from './human-duration.js';
import type { Column } from './resource-definition.js';

/** NAME STATUS AGE. */
export const namespaceColumns: readonly Column[] = [
  nameColumn,
  textColumn(
    'Status',
    (object) => stringAt(object, 'status', 'phase'),
    'The status of the namespace',
  ),
  ageColumn,
];

/** NAME TYPE CLUSTER-IP EXTERNAL-IP PORT(S) AGE SELECTOR. */
export const serviceColumns: readonly Column[] = [
  nameColumn,
  textColumn('Type', (object) => stringAt(object, 'spec', 'type')),
  textColumn('Cluster-IP', (object) => stringAt(object, 'spec', 'clusterIP') || '<none>'),
  textColumn('External-IP', externalAddress),
  textColumn('Port(s)', servicePorts),
  ageColumn,
  wideColumn('Selector', (object) => selectorText(objectAt(object, 'spec', 'selector'))),
];

/** NAME ENDPOINTS AGE. */
export const endpointsColumns: readonly Column[] = [
  nameColumn,
  textColumn('Endpoints', endpointAddresses),
  ageColumn,
];

/** NAME ADDRESSTYPE PORTS ENDPOINTS AGE. */
export const endpointSliceColumns: readonly Column[] = [
  nameColumn,
  textColumn('AddressType', (object) => stringAt(object, 'addressType')),
  textColumn('Ports', (object) =>
    joined(listAt(object, 'ports').map((port) => numberAt(port, 'port'))),
  ),
  textColumn('Endpoints', (object) =>
    joined(listAt(object, 'endpoints').map((endpoint) => textOf(listAt(endpoint, 'addresses')[0]))),
  ),
  ageColumn,
];

/** NAME DATA AGE. */
export const configMapColumns: readonly Column[] = [
  nameColumn,
  numberColumn('Data', dataCount),
  ageColumn,
];

/** NAME TYPE DATA AGE. */
export const secretColumns: readonly Column[] = [
  nameColumn,
  textColumn('Type', (object) => stringAt(object, 'type')),
  numberColumn('Data', dataCount),
  ageColumn,
];

/** NAME SECRETS AGE. */
export const serviceAccountColumns: readonly Column[] = [
  nameColumn,
  numberColumn('Secrets', (object) => listAt(object, 'secrets').length),
  ageColumn,
];

/** LAST-SEEN TYPE REASON OBJECT MESSAGE. */
export const eventColumns: readonly Column[] = [
  textColumn('Last Seen', (object, now) => ageOf(stringAt(object, 'lastTimestamp'), now)),
  textColumn('Type', (object) => stringAt(object, 'type')),
  textColumn('Reason', (object) => stringAt(object, 'reason')),
  textColumn('Object', (object) => {
    const involved = objectAt(object, 'involvedObject');
    return `${stringAt(involved, 'kind').toLowerCase()}/${stringAt(involved, 'name')}`;
  }),
  wideColumn('Subobject', (object) => stringAt(object, 'involvedObject', 'fieldPath')),
  wideColumn('Source', (object) => stringAt(object, 'source', 'component')),
  textColumn('Message', (object) => stringAt(object, 'message').trim()),
  wideColumn('First Seen', (object, now) => ageOf(stringAt(object, 'firstTimestamp'), now)),
  wideColumn('Count', (object) => String(numberAt(object, 'count'))),
  { ...nameColumn, priority: 1 },
];

/** NAME STATUS VOLUME CAPACITY ACCESS-MODES STORAGECLASS AGE. */
export const volumeClaimColumns: readonly Column[] = [
  nameColumn,
  textColumn('Status', (object) => stringAt(object, 'status', 'phase')),
  textColumn('Volume', (object) => stringAt(object, 'spec', 'volumeName')),
  textColumn('Capacity', (object) => stringAt(object, 'status', 'capacity', 'storage')),
  textColumn('Access Modes', (object) => accessModes(object)),
  textColumn('StorageClass', (object) => stringAt(object, 'spec', 'storageClassName')),
  ageColumn,
  wideColumn('VolumeMode', (object) => stringAt(object, 'spec', 'volumeMode')),
];

/** NAME REQUEST AGE. */
export const resourceQuotaColumns: readonly Column[] = [
  nameColumn,
  textColumn('Request', (object) =>
    Object.entries(objectAt(object, 'spec', 'hard'))
      .map(
        ([key, hard]) =>
          `${key}: ${stringAt(object, 'status', 'used', key) || '0'}/${textOf(hard)}`,
      )
      .join(', '),
  ),
  ageColumn,
];

/** NAME CLASS HOSTS ADDRESS PORTS AGE. */
export const ingressColumns: readonly Column[] = [
  nameColumn,
  textColumn('Class', (object) => stringAt(object, 'spec', 'ingressClassName') || '<none>'),
  textColumn('Hosts', (object) =>
    joined(
      listAt(object, 'spec', 'rules').map((rule) => stringAt(rule, 'host') || '*'),
      '*',
    ),
  ),
  textColumn('Address', (object) =>
    listAt(object, 'status', 'loadBalancer', 'ingress')
      .map((entry) => stringAt(entry, 'ip'))
      .join(','),
  ),
  textColumn('Ports', (object) => (listAt(object, 'spec', 'tls').length > 0 ? '80, 443' : '80')),
  ageColumn,
];

/** NAME POD-SELECTOR AGE. */
export const networkPolicyColumns: readonly Column[] = [
  nameColumn,
  textColumn('Pod-Selector', (object) => selectorText(objectAt(object, 'spec', 'podSelector'))),
  ageColumn,
];

/** NAME ROLE AGE. */
export const roleBindingColumns: readonly Column[] = [
  nameColumn,
  textColumn('Role', (object) => {
    const role = objectAt(object, 'roleRef');
    return `${stringAt(role, 'kind')}/${stringAt(role, 'name')}`;
  }),
  ageColumn,
];

/** NAME PROVISIONER RECLAIMPOLICY VOLUMEBINDINGMODE ALLOWVOLUMEEXPANSION AGE. */
export const storageClassColumns: readonly Column[] = [
  nameColumn,
  textColumn('Provisioner', (object) => stringAt(object, 'provisioner')),
  textColumn('ReclaimPolicy', (object) => stringAt(object, 'reclaimPolicy') || 'Delete'),
  textColumn('VolumeBindingMode', (object) => stringAt(object, 'volumeBindingMode') || 'Immediate'),
  textColumn('AllowVolumeExpansion', (object) => valueAt(object, 'allowVolumeExpansion') === true),
  ageColumn,
];

/** NAME HOLDER AGE. */
export const leaseColumns: readonly Column[] = [
  nameColumn,
  textColumn('Holder', (object) => stringAt(object, 'spec', 'holderIdentity')),
  ageColumn,
];

/** NAME and AGE, what many kinds show. */
export const nameAndAgeColumns: readonly Column[] = [nameColumn, ageColumn];

function externalAddress(service: JsonObject): string {
  const ingress = listAt(service, 'status', 'loadBalancer', 'ingress');
  const addresses = [
    ...ingress.map((entry) => stringAt(entry, 'ip') || stringAt(entry, 'hostname')),
    ...listAt(service, 'spec', 'externalIPs').map(String),
  ];
  if (stringAt(service, 'spec', 'type') === 'ExternalName') {
    return stringAt(service, 'spec', 'externalName');
  }
  const fallback = stringAt(service, 'spec', 'type') === 'LoadBalancer' ? '<pending>' : '<none>';
  return joined(addresses, fallback);
}

function servicePorts(service: JsonObject): string {
  const ports = listAt(service, 'spec', 'ports').map((port) => {
    const nodePort = numberAt(port, 'nodePort');
    const mapped = nodePort === 0 ? '' : `:${nodePort}`;
    return `${numberAt(port, 'port')}${mapped}/${stringAt(port, 'protocol') || 'TCP'}`;
  });
  return joined(ports);
}

function endpointAddresses(endpoints: JsonObject): string {
  const pairs = listAt(endpoints, 'subsets').flatMap((subset) =>
    listAt(subset, 'addresses').flatMap((address) =>
      listAt(subset, 'ports').map((port) => `${stringAt(address, 'ip')}:${numberAt(port, 'port')}`),
    ),
  );
  const shown = pairs.slice(0, 3).join(',');
  return pairs.length > 3 ? `${shown} + ${pairs.length - 3} more...` : joined(pairs);
}

function dataCount(object: JsonObject): number {
  return (
    Object.keys(objectAt(object, 'data')).length +
    Object.keys(objectAt(object, 'binaryData')).length
  );
}

function accessModes(claim: JsonObject): string {
  const short: Record<string, string> = {
    ReadWriteOnce: 'RWO',
    ReadOnlyMany: 'ROX',
    ReadWriteMany: 'RWX',
    ReadWriteOncePod: 'RWOP',
  };
  return listAt(claim, 'status', 'accessModes')
    .map((mode) => short[textOf(mode)] ?? textOf(mode))
    .join(',');
}

function joined(items: readonly (string | number)[], empty = '<none>'): string {
  return items.length === 0 ? empty : items.join(',');
}

/** Runs jobs: their pods, then the Complete condition. */
import { ensureObject, numberAt, stringAt, valueAt } from '../objects/json-value.js';
import type { KubeObject } from '../objects/kube-object.js';
import { apiTime, isTerminating, nameOf } from '../objects/kube-object.js';
import type { Controller, ControllerContext } from './controller.js';
import { condition, edit, KEYS, ownedBy, ownerController } from './controller.js';
import { recordEvent } from './event-recorder.js';
import { createPod } from './pod-factory.js';

/** The controller of Jobs. */
export function jobController(context: ControllerContext): Controller {
  return ownerController(context, { key: KEYS.jobs, kind: 'Job', owned: [KEYS.pods] }, (job) => {
    if (!isTerminating(job) && valueAt(job, 'spec', 'suspend') !== true) reconcile(context, job);
  });
}

function reconcile(context: ControllerContext, job: KubeObject): void {
  const pods = ownedBy(context, KEYS.pods, job);
  const succeeded = pods.filter((pod) => stringAt(pod, 'status', 'phase') === 'Succeeded').length;
  const active = pods.filter(
    (pod) =>
      !isTerminating(pod) && ['Pending', 'Running'].includes(stringAt(pod, 'status', 'phase')),
  ).length;
  const completions = numberAt(job, 'spec', 'completions');
  const room = Math.min(numberAt(job, 'spec', 'parallelism'), completions - succeeded) - active;
  for (let index = 0; index < room; index += 1) {
    const pod = createPod(context, job, { metadata: { generateName: `${nameOf(job)}-` } });
    if (pod === undefined) return;
    recordEvent(context, job, {
      component: 'job-controller',
      reason: 'SuccessfulCreate',
      message: `Created pod: ${nameOf(pod)}`,
    });
  }
  writeStatus(context, job, { succeeded, active: active + Math.max(0, room), completions });
}

function writeStatus(
  context: ControllerContext,
  job: KubeObject,
  counts: { succeeded: number; active: number; completions: number },
): void {
  const time = apiTime(context.cluster.now());
  const isComplete = counts.succeeded >= counts.completions;
  const wasComplete = stringAt(job, 'status', 'completionTime') !== '';
  edit(context, KEYS.jobs, job, (copy) => {
    const status = ensureObject(copy, 'status');
    status['startTime'] ??= time;
    status['uncountedTerminatedPods'] ??= {};
    if (counts.active > 0) status['active'] = counts.active;
    else delete status['active'];
    status['ready'] = 0;
    if (counts.succeeded > 0) status['succeeded'] = counts.succeeded;
    if (!isComplete || wasComplete) return;
    status['completionTime'] = time;
    status['conditions'] = [condition(job, 'Complete', 'True', { reason: '', message: '', time })];
  });
  if (isComplete && !wasComplete) {
    recordEvent(context, job, {
      component: 'job-controller',
      reason: 'Completed',
      message: 'Job completed',
    });
  }
}

/** Jobs, builds and queue items as beans of the remote API. Source: Jenkins' api/xml of those pages. */
import type { Bean, BeanValue } from './bean.js';
import type { Build, Job, QueueItem } from './build-server.js';

/** A bean and the name of its root element. */
export interface RootBean {
  readonly root: string;
  readonly bean: Bean;
}

/** How deep lists of jobs are followed when the caller asks with a tree (igor: 10). */
const MAX_DEPTH = 12;

const KINDS = {
  freestyle: ['freeStyleProject', 'hudson.model.FreeStyleProject'],
  folder: ['folder', 'com.cloudbees.hudson.plugins.folder.Folder'],
  multibranch: [
    'workflowMultiBranchProject',
    'org.jenkinsci.plugins.workflow.multibranch.WorkflowMultiBranchProject',
  ],
} as const;

/** The top page. */
export function serverBean(root: Job, baseUrl: string, isDeep: boolean): RootBean {
  const jobs = jobList(root, baseUrl, isDeep ? MAX_DEPTH : 1);
  const bean = {
    _class: 'hudson.model.Hudson',
    mode: 'NORMAL',
    numExecutors: 2,
    url: baseUrl,
    jobs,
  };
  return { root: 'hudson', bean };
}

/** A job's page. */
export function jobRoot(job: Job, url: string): RootBean {
  return { root: KINDS[job.kind][0], bean: jobBean(job, url, MAX_DEPTH) };
}

function jobBean(job: Job, url: string, depth: number): Bean {
  const [, className] = KINDS[job.kind];
  const last = job.builds.at(-1);
  const completed = job.builds.filter((build) => build.result !== undefined).at(-1);
  const common = { _class: className, name: job.name, url };
  if (job.kind !== 'freestyle') {
    return { ...common, ...(depth > 0 ? { jobs: jobList(job, url, depth - 1) } : {}) };
  }
  return {
    ...common,
    buildable: true,
    color: last?.result === undefined && last !== undefined ? 'blue_anime' : 'blue',
    inQueue: false,
    nextBuildNumber: job.builds.length + 1,
    property: parameterDefinitions(job),
    actions: [{}],
    downstreamProjects: [],
    upstreamProjects: [],
    builds: [...job.builds].reverse().map((build) => buildBean(build, url)),
    lastBuild: last === undefined ? null : buildBean(last, url),
    lastCompletedBuild: completed === undefined ? null : buildBean(completed, url),
  };
}

function jobList(parent: Job, url: string, depth: number): Bean[] {
  return [...parent.jobs.values()].map((job) =>
    jobBean(job, `${url}job/${encodeURIComponent(job.name)}/`, depth),
  );
}

function parameterDefinitions(job: Job): BeanValue {
  if (job.parameters.length === 0) return [];
  return [
    {
      _class: 'hudson.model.ParametersDefinitionProperty',
      parameterDefinitions: job.parameters.map((name) => ({
        _class: 'hudson.model.StringParameterDefinition',
        name,
        type: 'StringParameterDefinition',
        defaultParameterValue: { name, value: '' },
      })),
    },
  ];
}

/** A build's page. */
export function buildRoot(build: Build, jobUrl: string): RootBean {
  return { root: 'freeStyleBuild', bean: buildBean(build, jobUrl) };
}

function buildBean(build: Build, jobUrl: string): Bean {
  const isBuilding = build.result === undefined;
  const parameters = Object.entries(build.parameters).map(([name, value]) => ({ name, value }));
  const files = ['build.properties', 'report.txt'];
  return {
    _class: 'hudson.model.FreeStyleBuild',
    actions: [
      ...(parameters.length === 0 ? [] : [{ _class: 'hudson.model.ParametersAction', parameters }]),
      {
        _class: 'hudson.tasks.junit.TestResultAction',
        failCount: 0,
        skipCount: 0,
        totalCount: 3,
        urlName: 'testReport',
      },
      {
        _class: 'hudson.plugins.git.util.BuildData',
        lastBuiltRevision: {
          SHA1: 'c0ffee0000000000000000000000000000000000',
          branch: [{ name: 'main' }],
        },
        remoteUrls: ['https://git.example.com/demo.git'],
      },
    ],
    artifacts: isBuilding
      ? []
      : files.map((name) => ({ displayPath: name, fileName: name, relativePath: name })),
    building: isBuilding,
    description: build.description === '' ? null : build.description,
    displayName: `#${build.number}`,
    duration: isBuilding ? 0 : build.endedMs - build.startedMs,
    fullDisplayName: `#${build.number}`,
    id: String(build.number),
    number: build.number,
    queueId: build.queueId,
    result: build.result ?? null,
    timestamp: build.startedMs,
    url: `${jobUrl}${build.number}/`,
  };
}

/** A queue item's page. */
export function queueItemRoot(item: QueueItem, jobUrl: string): RootBean {
  const { build } = item;
  const isLeft = build !== undefined || item.isCancelled;
  const common = {
    blocked: false,
    buildable: !isLeft,
    id: item.id,
    inQueueSince: item.queuedMs,
    stuck: false,
    task: { _class: 'hudson.model.FreeStyleProject', name: item.job.name, url: jobUrl },
  };
  if (!isLeft) {
    return {
      root: 'waitingItem',
      bean: { _class: 'hudson.model.Queue$WaitingItem', ...common, why: 'In the quiet period' },
    };
  }
  const executable =
    build === undefined
      ? null
      : {
          _class: 'hudson.model.FreeStyleBuild',
          number: build.number,
          url: `${jobUrl}${build.number}/`,
        };
  return {
    root: 'leftItem',
    bean: {
      _class: 'hudson.model.Queue$LeftItem',
      ...common,
      cancelled: item.isCancelled,
      executable,
    },
  };
}

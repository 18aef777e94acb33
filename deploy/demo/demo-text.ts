/**
 * What the demo prints: lines to paste into another terminal, whatever its folder and its proxies.
 */
import type { DemoFiles } from './demo-files.js';

/** What the text names. */
export interface DemoFacts {
  readonly ports: Record<'agents' | 'services' | 'control' | 'operations', number>;
  readonly files: DemoFiles;
  readonly kubeconfig: string;
  readonly netrc: string;
  readonly jenkinsPrefix: string;
  /** The script of the command. */
  readonly fairlead: string;
  /** The user's kubeconfig; undefined with the built-in cluster. */
  readonly ownKubeconfig: string | undefined;
  /** Why the cluster cannot be used. */
  readonly clusterFault: string | undefined;
}

/** The text, for standard output. */
export function demoText(facts: DemoFacts): string {
  const { ports, files, kubeconfig, netrc, jenkinsPrefix, fairlead, ownKubeconfig } = facts;
  // curl would ask the proxy of the environment for localhost too; kubectl and we do not
  const plainCurl = 'curl -sS --noproxy localhost';
  const curl = `${plainCurl} --cacert ${quoted(files.ca)} --netrc-file ${quoted(netrc)}`;
  const jenkins = `https://localhost:${ports.services}${jenkinsPrefix}`;
  const operations = `http://localhost:${ports.operations}`;
  return `
Fairlead is running. Paste these lines into another terminal:
${warning(facts)}
  # kubectl -> controller -> agent -> ${ownKubeconfig === undefined ? 'Kubernetes API' : `cluster of ${ownKubeconfig}`} (its credential stays with the agent)
  export KUBECONFIG=${quoted(kubeconfig)}
  kubectl get namespaces
  kubectl get pods --all-namespaces

  # the same way to Jenkins, with a token in place of a certificate
  ${curl} ${jenkins}/api/json
  ${curl} -X POST -i ${jenkins}/job/demo/build

  # who is connected, as an operator sees it
  export FAIRLEAD_CONTROLLER=https://localhost:${ports.control} FAIRLEAD_CA=${quoted(files.ca)}
  export FAIRLEAD_CERT=${quoted(files.controlCert)} FAIRLEAD_KEY=${quoted(files.controlKey)}
  node ${quoted(fairlead)} agents

  # health and metrics
  ${plainCurl} ${operations}/readyz
  ${plainCurl} ${operations}/metrics

  # what goes on, until Ctrl-C
  kubectl get deployments -A -w
${ownKubeconfig === undefined ? '  kubectl logs -n demo ticker -f\n' : ''}
Ctrl-C ends everything and removes ${files.dir}
`;
}

function warning({ clusterFault, ownKubeconfig }: DemoFacts): string {
  if (clusterFault === undefined) return '';
  return `
  WARNING: the cluster of ${ownKubeconfig ?? 'the demo'} cannot be used now:
  ${clusterFault}
`;
}

/** One word of a shell's command line. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

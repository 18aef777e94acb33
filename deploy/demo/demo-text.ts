/**
 * What the demo prints: lines to paste into another terminal.
 */
import type { DemoFiles } from './demo-files.js';

/** What the text names. */
export interface DemoFacts {
  readonly ports: Record<'agents' | 'services' | 'control' | 'operations', number>;
  readonly files: DemoFiles;
  readonly kubeconfig: string;
  readonly netrc: string;
  readonly jenkinsPrefix: string;
}

/** The text, for standard output. */
export function demoText({ ports, files, kubeconfig, netrc, jenkinsPrefix }: DemoFacts): string {
  const curl = `curl -s --cacert ${files.ca} --netrc-file ${netrc}`;
  const jenkins = `https://localhost:${ports.services}${jenkinsPrefix}`;
  return `
Fairlead is running. Paste these lines into another terminal:

  # kubectl -> controller -> agent -> Kubernetes API (the credential of the cluster stays with the agent)
  export KUBECONFIG=${kubeconfig}
  kubectl get namespaces
  kubectl get pods --all-namespaces
  kubectl get deployments -A -w
  kubectl logs -n demo ticker -f

  # the same way to Jenkins, with a token in place of a certificate
  ${curl} ${jenkins}/api/json
  ${curl} -X POST -i ${jenkins}/job/demo/build

  # who is connected, as an operator sees it
  export FAIRLEAD_CONTROLLER=https://localhost:${ports.control} FAIRLEAD_CA=${files.ca}
  export FAIRLEAD_CERT=${files.controlCert} FAIRLEAD_KEY=${files.controlKey}
  npx fairlead agents

  # health and metrics
  curl -s http://localhost:${ports.operations}/readyz
  curl -s http://localhost:${ports.operations}/metrics

Ctrl-C ends everything and removes ${files.dir}
`;
}

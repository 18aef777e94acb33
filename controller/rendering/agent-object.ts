/**
 * What all Kubernetes objects of an agent have in common: name, namespace and labels.
 */
import { agentObjectName } from './name-rules.js';

/** What the metadata of an agent's objects is made of. */
export interface AgentIdentity {
  readonly agent: string;
  readonly namespace: string;
}

/** v3.5's labels and the recommended ones; the pods carry them too. */
export function agentLabels(agent: string): Record<string, string> {
  const name = agentObjectName(agent);
  return {
    app: name,
    'agent.opsmx.com/name': agent,
    'agent.opsmx.com/role': 'agent',
    'app.kubernetes.io/name': 'fairlead-agent',
    'app.kubernetes.io/instance': name,
    'app.kubernetes.io/component': 'agent',
    'app.kubernetes.io/part-of': 'fairlead',
  };
}

/** Metadata of an object in the agent's namespace. */
export function agentMetadata({ agent, namespace }: AgentIdentity): object {
  return { name: agentObjectName(agent), namespace, labels: agentLabels(agent) };
}

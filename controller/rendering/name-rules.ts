/**
 * Which names may go where: into certificates and tokens, into URL paths, into Kubernetes objects.
 * Each rule answers with what is wrong, or undefined. Used by the control API and the renderers.
 */

/** Labels and most object names of Kubernetes end here (RFC 1123). */
const MAX_LABEL_LENGTH = 63;
/** No name that Kubernetes or DNS knows is longer, in bytes. */
const MAX_NAME_BYTES = 253;
/** v3.5 begins the names of all objects of an agent with this. */
const AGENT_OBJECT_PREFIX = 'opsmx-agent-';
/** What is left of a label after the prefix. */
const MAX_AGENT_NAME_LENGTH = MAX_LABEL_LENGTH - AGENT_OBJECT_PREFIX.length;

const RFC1123_LABEL = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/;
// C0, DEL and C1 controls, the two separators that some readers take for line ends, and halves of
// surrogate pairs, which have no UTF-8 form.
const CONTROL_CHARACTER = /[\p{Cc}\u2028\u2029\p{Surrogate}]/u;

/** The name that all Kubernetes objects of an agent share. */
export function agentObjectName(agent: string): string {
  return `${AGENT_OBJECT_PREFIX}${agent}`;
}

/**
 * For names inside certificates and tokens. v3.5 accepted anything; SAPOR may send spaces, so only
 * what would garble logs and subjects is refused.
 */
export function plainNameProblem(name: string): string | undefined {
  if (name === '') return 'it must not be empty';
  if (CONTROL_CHARACTER.test(name)) {
    return 'it must not contain control characters';
  }
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) {
    return `it must not be longer than ${MAX_NAME_BYTES} bytes`;
  }
  return undefined;
}

/**
 * For names that become one segment of a URL path in a kubeconfig. A slash, even as %2F, and dot
 * segments do not survive kubectl; Spring resolves `${` when it hands the file to clouddriver.
 */
export function pathNameProblem(name: string): string | undefined {
  const problem = plainNameProblem(name);
  if (problem !== undefined) return problem;
  if (/[/\\]/.test(name) || name === '.' || name === '..') {
    return 'it becomes a part of a URL path, so it must not contain "/" or "\\" or be "." or ".."';
  }
  if (name.includes('${')) return 'it must not contain "${"';
  return undefined;
}

/** For agent names that become part of object names and labels. */
export function agentNameProblem(agent: string): string | undefined {
  if (agent.length <= MAX_AGENT_NAME_LENGTH && RFC1123_LABEL.test(agent)) return undefined;
  return (
    'it becomes part of the names of Kubernetes objects, so it must consist of lower-case letters, digits and "-", ' +
    `begin and end with a letter or digit, and have 1 to ${MAX_AGENT_NAME_LENGTH} characters`
  );
}

/** For namespaces. */
export function namespaceProblem(namespace: string): string | undefined {
  if (namespace.length <= MAX_LABEL_LENGTH && RFC1123_LABEL.test(namespace)) return undefined;
  return (
    'it must consist of lower-case letters, digits and "-", begin and end with a letter or digit, ' +
    `and have 1 to ${MAX_LABEL_LENGTH} characters`
  );
}

/** For names of Secrets: RFC 1123 subdomains. */
export function secretNameProblem(name: string): string | undefined {
  const isSubdomain = name.split('.').every((label) => RFC1123_LABEL.test(label));
  if (name.length <= MAX_NAME_BYTES && isSubdomain) return undefined;
  return 'it must consist of lower-case letters, digits, "-" and ".", and begin and end with a letter or digit';
}

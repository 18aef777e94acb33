/**
 * The manifests of deploy/kubernetes as kustomize would put them together, without kustomize: resources
 * with the namespace, and the ConfigMap made of config.yaml.
 */
import { at, listAt, projectFile, textAt, yamlDocuments } from '../project-files.js';

const FOLDER = 'deploy/kubernetes';
const KUSTOMIZATION = yamlDocuments(projectFile(`${FOLDER}/kustomization.yaml`))[0];

/** The namespace of all objects. */
export const NAMESPACE = textAt(KUSTOMIZATION, 'namespace');

/** The image that is put in place of the one in the Deployment. */
export const IMAGE = at(KUSTOMIZATION, 'images.0');

/** All objects that `kubectl apply -k` creates, except that the name of the ConfigMap has no digest. */
export function controllerObjects(): unknown[] {
  const resources = listAt(KUSTOMIZATION, 'resources').map(String);
  const [generator] = listAt(KUSTOMIZATION, 'configMapGenerator');
  const files = listAt(generator, 'files').map(String);
  const configMap = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: textAt(generator, 'name') },
    data: Object.fromEntries(files.map((file) => [file, projectFile(`${FOLDER}/${file}`)])),
  };
  return [
    ...resources.flatMap((file) => yamlDocuments(projectFile(`${FOLDER}/${file}`))),
    configMap,
  ];
}

/** The only object of a kind, or the one of that name. */
export function theObject(objects: readonly unknown[], kind: string, name?: string): unknown {
  const found = objects.filter(
    (object) => at(object, 'kind') === kind && (name === undefined || nameOf(object) === name),
  );
  if (found.length === 1) return found[0];
  throw new Error(`found ${found.length} objects ${kind} ${name ?? ''}`);
}

/** `metadata.name`. */
export function nameOf(object: unknown): string {
  return textAt(object, 'metadata.name');
}

/** Kind and name; of the ConfigMap without the digest that kustomize appends. */
export function idOf(object: unknown): string {
  const id = `${textAt(object, 'kind')} ${nameOf(object)}`;
  return id.replace(/^(ConfigMap fairlead-controller)-[a-z0-9]{10}$/, '$1');
}

/**
 * The environment of the images: Fairlead is measured with the memory allocator that it is shipped with,
 * where this machine has it.
 */
import { spawnSync } from 'node:child_process';
import { imageOf, stagesOf } from '../deploy/docker/dockerfile.js';
import { projectFile } from '../deploy/project-files.js';

/** Debian package of the allocator. */
export const ALLOCATOR_PACKAGE = 'libjemalloc2';

type Environment = Readonly<Record<string, string>>;

/** Kept, as looking takes a process, every Fairlead of a run asks, and the answer stays the same. */
let found: { readonly env: Environment | undefined } | undefined;

/** Variables for controller and agent; undefined where the allocator is missing. */
export function allocatorEnvironment(): Environment | undefined {
  found ??= { env: lookForAllocator() };
  return found.env;
}

function lookForAllocator(): Environment | undefined {
  const image = imageOf(stagesOf(projectFile('deploy/docker/Dockerfile')), 'controller');
  const words = image.filter(({ name }) => name === 'ENV').flatMap(({ text }) => text.split(/\s+/));
  const wanted = words.filter((word) => /^(?:LD_PRELOAD|MALLOC_CONF)=/.test(word));
  const env: Record<string, string> = {};
  for (const word of wanted)
    env[word.slice(0, word.indexOf('='))] = word.slice(word.indexOf('=') + 1);
  // the loader goes on without a library that it does not find, and says so
  const { stderr } = spawnSync(process.execPath, ['--version'], { env, encoding: 'utf8' });
  return stderr === '' ? env : undefined;
}

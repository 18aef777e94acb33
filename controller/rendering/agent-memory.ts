/**
 * How the memory of an agent's container is shared out: the limit has to hold the JavaScript heap, the
 * buffers of bodies under way (outside the heap) and about 100 MiB for Node.js itself.
 */

/** Limit of the container. */
export const AGENT_MEMORY_LIMIT_MIB = 512;
/** `--max-old-space-size`: JavaScript objects, mostly of open streams. */
export const AGENT_HEAP_MIB = 192;
/** Budget for buffered bodies, in the agent's configuration. */
export const AGENT_BUFFER_BYTES = 160 * 1024 * 1024;

/**
 * Runs the demo Kubernetes API as its own process. Settings come as one JSON object on stdin, the
 * answer is one JSON line `{"url": …}`; ends on SIGTERM, SIGINT or when stdin closes.
 */
import { runAsProcess } from './demo-process.js';
import { startKubernetesApi } from './kubernetes-api.js';

await runAsProcess(async (settings) => {
  // Written by fairlead's own demo and tests in the shape of KubernetesApiOptions.
  const api = await startKubernetesApi(settings);
  return { url: api.url, close: () => api.close() };
});

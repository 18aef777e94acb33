/**
 * Runs the demo Jenkins as its own process. Settings come as one JSON object on stdin, the answer is
 * one JSON line `{"url": …}`; ends on SIGTERM, SIGINT or when stdin closes.
 */
import { runAsProcess } from '../kubernetes/demo-process.js';
import { startJenkins } from './jenkins.js';

await runAsProcess(async (settings) => {
  // Written by fairlead's own demo and tests in the shape of JenkinsOptions.
  const jenkins = await startJenkins(settings);
  return { url: jenkins.url, close: () => jenkins.close() };
});

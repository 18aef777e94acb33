/**
 * `ssh -R` of Debian's OpenSSH as a contestant: a private sshd on a free port of loopback with keys made
 * for this run, and one client that dials it. Callers' bytes pass unseen.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { tempDir } from '../harness/temp-dir.js';
import { waitFor } from '../harness/wait-for.js';
import type { Contestant } from './contestant.js';
import { runTool, toolPath } from './debian-tool.js';

/** How a tunnel is set up. */
export interface SshTunnelOptions {
  readonly name: string;
  readonly targetPort: number;
  /** Makes a relay between client and server; returns its port. */
  readonly link?: (sshdPort: number) => Promise<number>;
}

/** A running tunnel. */
export class SshTunnel {
  readonly #options: SshTunnelOptions;
  readonly #temp = tempDir('bench-ssh');
  readonly #children: ChildProcess[] = [];
  #port = 0;

  /** Starts both ends. Throws MissingTool. */
  static async start(options: SshTunnelOptions): Promise<SshTunnel> {
    const tools = { sshd: toolPath('sshd'), ssh: toolPath('ssh') };
    const tunnel = new SshTunnel(options);
    try {
      await tunnel.#start(tools);
      return tunnel;
    } catch (reason) {
      await tunnel.stop();
      throw reason;
    }
  }

  private constructor(options: SshTunnelOptions) {
    this.#options = options;
  }

  get contestant(): Contestant {
    const [sshd, ssh] = this.#children.map(({ pid = 0 }) => pid);
    return {
      name: this.#options.name,
      endpoint: { port: this.#port, headers: {} },
      pids: { controller: withDescendants(sshd ?? 0), agent: [ssh ?? 0] },
    };
  }

  async stop(): Promise<void> {
    const [server, client] = this.#children;
    await ended(client);
    // sshd reaps the processes of a connection only while it lives
    await waitFor(
      'sshd to end the connection',
      () => withDescendants(server?.pid ?? 0).length === 1,
    );
    await ended(server);
    this.#temp.remove();
  }

  async #start({ sshd, ssh }: { sshd: string; ssh: string }): Promise<void> {
    const { targetPort, link = async (port: number) => port } = this.#options;
    const path = (name: string): string => join(this.#temp.path, name);
    for (const key of ['host', 'client']) {
      await runTool('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path(key)]);
    }
    copyFileSync(path('client.pub'), path('authorized_keys'));
    const sshdPort = await freePort();
    writeFileSync(path('sshd_config'), sshdConfig(sshdPort, path));
    // where privileged sshd shuts itself in; Debian makes it at boot, if there was one
    if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true });
    const server = this.#run(sshd, ['-D', '-e', '-f', path('sshd_config')]);
    await server.saying(/Server listening/);
    const port = await link(sshdPort);
    const hostKey = readFileSync(path('host.pub'), 'utf8');
    writeFileSync(path('known_hosts'), `[127.0.0.1]:${port} ${hostKey}`);
    const settings = [
      'BatchMode=yes',
      'ExitOnForwardFailure=yes',
      'StrictHostKeyChecking=yes',
      'IdentitiesOnly=yes',
      `UserKnownHostsFile=${path('known_hosts')}`,
    ];
    const client = this.#run(ssh, [
      ...['-F', 'none', '-N', '-p', String(port), '-i', path('client')],
      ...settings.flatMap((setting) => ['-o', setting]),
      ...['-R', `127.0.0.1:0:127.0.0.1:${targetPort}`, `${userInfo().username}@127.0.0.1`],
    ]);
    const [, remote] = await client.saying(/Allocated port (\d+)/);
    this.#port = Number(remote);
  }

  /** Starts a program whose lines can be waited for. */
  #run(file: string, args: readonly string[]): { saying(text: RegExp): Promise<RegExpExecArray> } {
    const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    child.on('error', () => undefined); // seen as a line that does not come
    this.#children.push(child);
    const lines: string[] = [];
    createInterface({ input: child.stderr }).on('line', (line) => lines.push(line));
    return {
      saying: async (text) => {
        const found = waitFor(`${file} to say ${text.source}`, () => {
          const line = lines.find((one) => text.test(one));
          return line === undefined ? undefined : (text.exec(line) ?? undefined);
        });
        return found.catch((reason: unknown) => {
          throw new Error(`${String(reason)}\n${lines.join('\n')}`);
        });
      },
    };
  }
}

async function ended(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const isOver = new Promise((resolve) => child.once('close', resolve));
  if (child.kill()) await isOver;
}

function sshdConfig(port: number, path: (name: string) => string): string {
  return [
    'ListenAddress 127.0.0.1',
    `Port ${port}`,
    `HostKey ${path('host')}`,
    `AuthorizedKeysFile ${path('authorized_keys')}`,
    'PidFile none',
    // the temporary directory's parents are not ours
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'PermitRootLogin prohibit-password',
    'AllowTcpForwarding remote',
    '',
  ].join('\n');
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** A process and what it has started: sshd serves each connection in processes of its own. */
function withDescendants(root: number): number[] {
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => [Number(name), parentOf(Number(name))] as const);
  const found = [root];
  if (root === 0) return found;
  for (const pid of found) {
    found.push(...parents.filter(([, parent]) => parent === pid).map(([child]) => child));
  }
  return found;
}

function parentOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return 0; // it has ended meanwhile
  }
}

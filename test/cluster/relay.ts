/** A counting proxy between a source and its Broker, for clusters whose pods can reach this machine and vice versa. */
import { Agent, createServer, type IncomingMessage, request, type Server } from 'node:http';
import { kubectl } from './kubectl.ts';

export interface Passed {
  events: number;
  /** Headers and bodies. */
  bytes: number;
}

/** The address by which pods reach this machine: by default where they find the API server. */
const host =
  process.env['KNSPAN_E2E_HOST'] ?? new URL(kubectl('config', 'view', '--minify', '-o', 'jsonpath={.clusters[0].cluster.server}')).hostname;

export class Relay {
  /** By kind and what happened to it. */
  passed = new Map<string, Passed>();
  lastAt = Date.now();
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 50 });
  readonly #to: URL;
  readonly #namespace: string;
  readonly #server: Server;

  /** Counts what is of this namespace. */
  constructor(to: URL, namespace: string) {
    this.#to = to;
    this.#namespace = namespace;
    this.#server = createServer((incoming, outgoing) => {
      this.#count(incoming);
      const onward = request(this.#to, { method: 'POST', agent: this.#agent, headers: incoming.headers }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      });
      onward.on('error', () => outgoing.writeHead(502).end());
      incoming.pipe(onward);
    });
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, resolve));
    const address = this.#server.address();
    return `http://${host}:${typeof address === 'object' && address !== null ? address.port : 0}${this.#to.pathname}`;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
    this.#agent.destroy();
  }

  /** What was passed since it was last asked. */
  take(): Map<string, Passed> {
    const taken = this.passed;
    this.passed = new Map();
    return taken;
  }

  #count(incoming: IncomingMessage): void {
    if (incoming.headers['ce-namespace'] !== this.#namespace) return;
    this.lastAt = Date.now();
    const change = String(incoming.headers['ce-type']).split('.').at(-1);
    const key = `${incoming.headers['ce-kind']} ${change}`;
    const counted = this.passed.get(key) ?? { events: 0, bytes: 0 };
    this.passed.set(key, counted);
    counted.events += 1;
    counted.bytes += incoming.rawHeaders.reduce((sum, text) => sum + text.length + 2, 0);
    incoming.on('data', (chunk: Buffer) => {
      counted.bytes += chunk.length;
    });
  }
}

/** The parts of autocannon in use; it ships no types. */
declare module 'autocannon' {
  interface Request {
    method?: string;
    path?: string;
    headers?: Record<string, string>;
    body?: string;
    setupRequest?: (request: Request) => Request;
  }

  interface Options {
    url: string;
    connections: number;
    /** Seconds. */
    duration: number;
    overallRate?: number;
    requests: Request[];
  }

  interface Result {
    latency: { p50: number; p99: number };
    requests: { average: number };
    '2xx': number;
    non2xx: number;
    errors: number;
  }

  export default function autocannon(options: Options): Promise<Result>;
}

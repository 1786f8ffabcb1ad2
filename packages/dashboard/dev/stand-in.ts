/**
 * A stand-in for the gateway's API, for looking at pages while developing: made-up data in the shapes of the
 * contract, nothing behind it. It decides nothing, checks no proof, and is never part of what is built.
 * HOLDS=10000 makes a long list; EMPTY=1 makes empty pages; SIGNED_OUT=1 and NEW=1 the ways in.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Connect, Plugin } from 'vite';
import { answerTo } from './stand-in-data.ts';

/** As the gateway sends it: what breaks under it has to break here. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types holdfast-worker";

export function standIn(): Plugin {
  return {
    name: 'holdfast-stand-in',
    configureServer: (server) => {
      server.middlewares.use(answer);
    },
    configurePreviewServer: (server) => {
      server.middlewares.use((_, response, next) => {
        response.setHeader('content-security-policy', POLICY);
        next();
      });
      server.middlewares.use(answer);
    },
  };
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  next: Connect.NextFunction,
): void {
  const url = new URL(request.url ?? '/', 'http://localhost');
  if (!url.pathname.startsWith('/v1/')) {
    next();
    return;
  }
  if (url.pathname === '/v1/events') {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(': hello\n\n');
    return;
  }
  if (url.pathname === '/v1/trail/verify') {
    verify(response);
    return;
  }
  const body: Buffer[] = [];
  request.on('data', (chunk: Buffer) => body.push(chunk));
  request.on('end', () => {
    const [status, value] = answerTo(request.method ?? 'GET', url, Buffer.concat(body).toString());
    response.writeHead(status, {
      'content-type': status < 400 ? 'application/json' : 'application/problem+json',
    });
    response.end(JSON.stringify(value));
  });
}

function verify(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const send = (value: object): void => {
    response.write(`data: ${JSON.stringify(value)}\n\n`);
  };
  send({ kind: 'progress', done: 41_000, total: 128_412, perSecond: 58_000, leftSeconds: 2 });
  setTimeout(() => {
    send({
      kind: 'report',
      report: {
        ok: true,
        origin: 'holdfast.example/trail',
        from: 0,
        to: 128_412,
        root: 'q2Q0xk0dYb3Yq9Wc1hXo2uO1d8m0Zz3q0o0rGv1tJ2E=',
        checkpoints: 311,
        decisions: 60_102,
        outcomes: 60_100,
        open: 2,
        timeStepsBack: 0,
        findings: [],
        findingCount: 0,
      },
    });
    response.end();
  }, 1500);
}

import { rmSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { TestnetError, type TestnetErrorCode } from '../errors.ts'
import { privateFolder } from './private-folder.ts'

/**
 * How a second terminal talks to a run: one JSON line of request, one of answer, over a unix socket.
 * Separate from actors/peer's control socket, whose requests are a closed list without arguments.
 */
export type ControlRequest =
  | { readonly do: 'status' }
  | { readonly do: 'kill' | 'restart' | 'pause' | 'resume'; readonly peers: readonly string[] }
  | { readonly do: 'down' }

type ControlAnswer =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly code: string; readonly message: string }

export interface ControlServer {
  close(): Promise<void>
}

/** The runner answers from memory, or once processes have ended; beyond this it is stuck. */
const ANSWER_TIMEOUT_MS = 15_000
/** `restart` answers once its peers are ready: a hundred of them on two busy cores. */
const RESTART_TIMEOUT_MS = 300_000
/** Names of a hundred peers fit; a longer request is none of ours. */
const REQUEST_CHARACTERS_MAX = 4_096

/** Where the run listens. Not in the run's own folder: sun_path holds 108 bytes, 104 on macOS. */
export function controlSocketPath(runId: string): string {
  return join(privateFolder(), `${runId}.sock`)
}

async function answerLine(line: string, answer: (request: ControlRequest) => unknown): Promise<ControlAnswer> {
  try {
    return { ok: true, value: (await answer(JSON.parse(line))) ?? null }
  } catch (error) {
    const code = error instanceof TestnetError ? error.code : 'BRUME_TESTNET_ARGUMENT'
    return { ok: false, code, message: error instanceof Error ? error.message : String(error) }
  }
}

function serve(socket: Socket, answer: (request: ControlRequest) => unknown): void {
  let characters = 0
  socket.setEncoding('utf8').on('error', () => undefined)
  socket.on('data', (chunk) => {
    characters += chunk.length
    if (characters > REQUEST_CHARACTERS_MAX) socket.destroy()
  })
  createInterface({ input: socket }).once('line', async (line) => {
    socket.end(`${JSON.stringify(await answerLine(line, answer))}\n`)
  })
}

/** Serves until closed; what `answer` throws goes back as code and message. */
export async function serveControl(path: string, answer: (request: ControlRequest) => unknown): Promise<ControlServer> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket.once('close', () => sockets.delete(socket)))
    serve(socket, answer)
  })
  rmSync(path, { force: true })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve))
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        // An answer on its way (that to `down`) still leaves; idle readers do not hold the run up.
        for (const socket of sockets) socket.destroySoon()
      })
  }
}

/** Asks a run. Rejects with the runner's own error, or `BRUME_TESTNET_NOT_RUNNING` when nobody listens. */
export function askControl(path: string, request: ControlRequest): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  const fail = (message: string, cause?: unknown): void =>
    reject(new TestnetError('BRUME_TESTNET_NOT_RUNNING', message, { cause }))
  const socket = connect(path, () => socket.write(`${JSON.stringify(request)}\n`))
  const timeoutMs = request.do === 'restart' ? RESTART_TIMEOUT_MS : ANSWER_TIMEOUT_MS
  socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`no answer within ${timeoutMs} ms`)))
  socket.on('error', (error) => fail(`the run does not answer (${error.message}); is it still up?`, error))
  socket.on('close', () => fail('the run went away without an answer'))
  createInterface({ input: socket })
    .on('error', () => undefined)
    .once('line', (line) => {
      const answer: ControlAnswer = JSON.parse(line)
      if (answer.ok) resolve(answer.value)
      else reject(new TestnetError(answer.code as TestnetErrorCode, answer.message))
      socket.destroy()
    })
  return promise
}

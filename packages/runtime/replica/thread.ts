import { parentPort, workerData } from 'node:worker_threads'
import { Stage } from './inline.ts'
import { messageOf } from './realm.ts'
import type { Answer, Request, WorkerData } from './worker.ts'

/** The other end of `WorkerExecutor`: one message for each call, in order. */
const { code, assignment } = workerData as WorkerData
let stage: Stage | null = null

function answer(request: Request): unknown {
  stage ??= new Stage({ code }, assignment)
  switch (request.kind) {
    case 'execute':
      return stage.execute(...request.args)
    case 'query':
      return stage.query(...request.args)
    case 'leaves':
      return stage.leaves(...request.args)
    case 'restore':
      return stage.restore(...request.args)
    case 'drop':
      return stage.drop(...request.args)
  }
}

parentPort?.on('message', (request: Request) => {
  const { number } = request
  try {
    const value = answer(request)
    if (request.kind !== 'drop') parentPort?.postMessage({ number, value } satisfies Answer)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : null
    parentPort?.postMessage({ number, code, error: messageOf(error) } satisfies Answer)
  }
})

import { parentPort, workerData } from 'node:worker_threads'
import type { Told } from './check.ts'
import { type CheckInput, runCheck } from './check-run.ts'
import { messageOf } from './realm.ts'

/** The other end of `checkLogic`. */
function check(): Told {
  try {
    return runCheck(workerData as CheckInput)
  } catch (error) {
    return { error: messageOf(error) }
  }
}

parentPort?.postMessage(check())

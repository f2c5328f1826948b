import { writeFile } from 'node:fs/promises'
import { Session } from 'node:inspector/promises'

/** Half a millisecond: fine enough for turns of a few milliseconds, at some percent of slow-down. */
const INTERVAL_US = 500

/** Takes a CPU profile of this process while `work` runs and writes it where Chrome's DevTools can read it. */
export async function profiled(path: string, work: () => Promise<void>): Promise<void> {
  const session = new Session()
  session.connect()
  try {
    await session.post('Profiler.enable')
    await session.post('Profiler.setSamplingInterval', { interval: INTERVAL_US })
    await session.post('Profiler.start')
    await work()
    const { profile } = await session.post('Profiler.stop')
    await writeFile(path, JSON.stringify(profile))
  } finally {
    session.disconnect()
  }
}

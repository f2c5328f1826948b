import { platform } from 'node:os'
import { expect, test } from 'vitest'
import { parseUsage, usageOf } from './proc.ts'

test('fields are counted from the end of the command, which may look like fields itself', () => {
  const stat = '4242 (a) R 1 (x) S 1 4242 4242 0 -1 4194304 900 0 0 0 150 50 0 0 20 0 11 0 12345 0 0'
  expect(parseUsage(stat, 'Name:\ta\nVmHWM:\t 200 kB\nVmRSS:\t   120000 kB\n')).toEqual({
    rssKib: 120_000,
    cpuMs: 2_000
  })
})

test.runIf(platform() === 'linux')('agrees with what this process says of itself', () => {
  const { rssKib, cpuMs } = usageOf(process.pid)
  const own = process.memoryUsage.rss() / 1_024
  expect(rssKib).toBeGreaterThan(own / 2)
  expect(rssKib).toBeLessThan(own * 2)
  const { user, system } = process.cpuUsage()
  // The kernel counts in 10 ms, and this test's own work lies between the two looks.
  expect(Math.abs(cpuMs - (user + system) / 1_000)).toBeLessThan(1_000)
})

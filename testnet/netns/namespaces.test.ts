import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { makeLan, whyNoNamespaces } from './namespaces.ts'

const runId = `test${process.pid}`
const why = whyNoNamespaces(runId)
if (why !== undefined) console.log(`SKIP netns/namespaces: ${why}`)

function inside(name: string, ...command: readonly string[]): string {
  return spawnSync('ip', ['netns', 'exec', name, ...command], { encoding: 'utf8' }).stdout
}

test.skipIf(why !== undefined)('a LAN joins its hosts, knows no other interface, and goes without a trace', () => {
  const before = spawnSync('ip', ['-br', 'link'], { encoding: 'utf8' }).stdout
  const lan = makeLan(runId, 2)
  try {
    const [first = '', second = ''] = lan.hosts
    expect(inside(first, 'ip', '-br', '-4', 'addr', 'show', 'eth0')).toContain('10.77.0.1/24')
    expect(inside(second, 'ip', '-br', 'link').trim().split('\n')).toHaveLength(2)
    expect(spawnSync('ip', ['-br', 'link'], { encoding: 'utf8' }).stdout).toBe(before)
  } finally {
    lan.remove()
  }
  expect(spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' }).stdout).not.toContain(runId)
})

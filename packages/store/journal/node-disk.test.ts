import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { diskCompliance } from '@brume/testkit/compliance'
import { nodeDisk } from '../index.ts'

diskCompliance('node:fs', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'brume-disk-'))
  return {
    disk: nodeDisk(),
    directory,
    settle: (promise) => promise,
    end: () => rm(directory, { recursive: true, force: true })
  }
})

/** `npm run pack -- <folder>`: the tarballs of all workspaces, as they would be published. */
import { mkdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { packAll } from './pack/pack.ts'

const to = resolve(process.argv[2] ?? 'results/packages')
mkdirSync(to, { recursive: true })
for (const tarball of packAll(resolve(import.meta.dirname, '..'), to)) console.log(tarball)

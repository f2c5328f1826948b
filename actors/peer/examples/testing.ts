import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** Runs an example as its reader would. @returns what it printed; rejects where it did not end well */
export async function run(example: string): Promise<readonly string[]> {
  const path = fileURLToPath(new URL(`./${example}/main.ts`, import.meta.url))
  const child = spawn(process.execPath, [path], { stdio: ['ignore', 'pipe', 'pipe'], env: withoutTests(process.env) })
  let [out, err] = ['', '']
  child.stdout.on('data', (data) => {
    out += data
  })
  child.stderr.on('data', (data) => {
    err += data
  })
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`${example} ended with ${code}\n${out}\n${err}`)
  return out.trimEnd().split('\n')
}

/** Without what the runner of the tests set for itself. */
function withoutTests(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !/^(BRUME_|NODE_|VITEST)/.test(name)))
}

import { configDefaults, defineConfig } from 'vitest/config'

const ROOMS = '{packages,protocols,actors,testnet,benchmarks,.ci}'
const INTEGRATION = `${ROOMS}/**/*.int.test.ts`
const exclude = [...configDefaults.exclude, '**/results/**']

export default defineConfig({
  test: {
    // A test that passes on the second try has found a bug and hidden it.
    retry: 0,
    maxWorkers: 2,
    // A hang is found all the same; a busy machine takes five times as long as a quiet one.
    testTimeout: 90_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: [`${ROOMS}/**/*.test.ts`],
          exclude: [...exclude, INTEGRATION],
          sequence: { groupOrder: 0 }
        }
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: [INTEGRATION],
          exclude,
          // Real sockets and processes keep real deadlines: after the fuzzing has left the cores to them. They mostly wait.
          sequence: { groupOrder: 1 },
          hookTimeout: 60_000
        }
      }
    ]
  }
})

// Starts the real program as the emulator, and ends it.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const built = fileURLToPath(new URL('../target/debug/so-connector', import.meta.url));

/** Resolves with what the emulator says of itself, and how to end it. */
export function emulator() {
  const program = process.env.SO_CONNECTOR ?? built;
  const child = spawn(program, ['emulator', '--json', '--companies', '40', '--port', '0', '-qq'], { stdio: ['ignore', 'pipe', 'inherit'] });
  process.on('exit', () => child.kill());
  const ended = new Promise((resolve) => child.once('exit', resolve));
  return new Promise((resolve, reject) => {
    let text = '';
    child.on('error', reject);
    child.on('exit', (code) => reject(new Error(`the emulator ended with ${code}`)));
    child.stdout.on('data', (data) => {
      text += data;
      const line = text.split('\n')[0];
      try {
        resolve({ ...JSON.parse(line), end: () => { child.kill(); return ended; } });
      } catch { /* more is to come */ }
    });
  });
}

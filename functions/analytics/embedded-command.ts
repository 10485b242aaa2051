import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CloverError } from '../lib/errors.ts';

/** What an embedded ClickHouse needs to know. */
export interface EmbeddedOptions {
  /** Folder of its own; everything it writes is below. */
  readonly dataDir: string;
  /** IPv4 address that it listens at. Default: 127.0.0.1, which no other machine reaches. */
  readonly host?: string;
  readonly port: number;
  readonly password: string;
  /** Bytes; queries that would need more fail, the process does not grow past it. Default 2 GiB. */
  readonly memoryBytes?: number;
  /** Its program and library, where they are not those of a checkout. */
  readonly programs?: EmbeddedPrograms;
}

/** What it is run from. */
export interface EmbeddedPrograms {
  /** `clover-clickhouse`. */
  readonly launcher: string;
  /** `libchdb.so`. */
  readonly library: string;
}

/** A file that has to be there before the start. */
export interface EmbeddedFile {
  readonly path: string;
  readonly content: string;
  /** Permission bits. */
  readonly mode: number;
}

/** How to start it. Its stdin must be an open pipe: it ends when that closes, or on SIGTERM. */
export interface EmbeddedCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly files: readonly EmbeddedFile[];
  readonly url: string;
  readonly username: string;
  /** It logs here; stdout and stderr are empty but for a failed start. */
  readonly logFile: string;
}

/** The one user; the schema is in a database of its own, not in `default`. */
const username = 'clover';
const loopback = '127.0.0.1';

/** Configuration of the server part, as XML. */
export function renderConfig(options: EmbeddedOptions): string {
  const { dataDir, memoryBytes = 2 * 1024 ** 3 } = options;
  return `<clickhouse>
  <users_config>${xml(usersFile(dataDir))}</users_config>
  <http_handlers>
    <rule>
      <url>/ping</url>
      <methods>GET</methods>
      <handler>
        <type>static</type>
        <status>200</status>
        <response_content>Ok.\n</response_content>
      </handler>
    </rule>
    <rule>
      <headers><Authorization>${authorization(options.password)}</Authorization></headers>
      <handler>
        <type>dynamic_query_handler</type>
        <query_param_name>query</query_param_name>
      </handler>
    </rule>
  </http_handlers>
  <logger>
    <level>warning</level>
    <log>${xml(logFile(dataDir))}</log>
    <size>16M</size>
    <count>2</count>
  </logger>
  <max_server_memory_usage>${memoryBytes}</max_server_memory_usage>
  <mark_cache_size>67108864</mark_cache_size>
  <uncompressed_cache_size>0</uncompressed_cache_size>
  <max_concurrent_queries>64</max_concurrent_queries>
  <background_pool_size>2</background_pool_size>
  <background_schedule_pool_size>4</background_schedule_pool_size>
  <merge_tree>
    <fsync_after_insert>1</fsync_after_insert>
    <fsync_part_directory>1</fsync_part_directory>
    <number_of_free_entries_in_pool_to_lower_max_size_of_merge>1</number_of_free_entries_in_pool_to_lower_max_size_of_merge>
    <number_of_free_entries_in_pool_to_execute_mutation>1</number_of_free_entries_in_pool_to_execute_mutation>
    <number_of_free_entries_in_pool_to_execute_optimize_entire_partition>1</number_of_free_entries_in_pool_to_execute_optimize_entire_partition>
  </merge_tree>
</clickhouse>
`;
}

/** The users file: one user, by the hash of the password; from loopback alone where nobody else can come from. */
export function renderUsers({ password, host = loopback }: EmbeddedOptions): string {
  const from = host === loopback ? loopback : '::/0';
  const hash = createHash('sha256').update(password).digest('hex');
  return `<clickhouse>
  <profiles><default/></profiles>
  <quotas><default/></quotas>
  <users>
    <${username}>
      <password_sha256_hex>${hash}</password_sha256_hex>
      <networks><ip>${from}</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
    </${username}>
    <default>
      <no_password/>
      <networks><ip>${loopback}</ip></networks>
      <profile>default</profile>
      <quota>default</quota>
      <grants>
        <query>GRANT SYSTEM LISTEN ON *.*</query>
        <query>GRANT SELECT ON system.numbers</query>
      </grants>
    </default>
  </users>
</clickhouse>
`;
}

/**
 * Command line and files of an embedded ClickHouse. Pure, but for looking up the library.
 * @throws CloverError CLV_CONFIG_INVALID when chdb has no library for this machine.
 */
export function embeddedCommand(options: EmbeddedOptions): EmbeddedCommand {
  const { dataDir, host = loopback, port, programs = embeddedPrograms() } = options;
  const config = join(dataDir, 'config.xml');
  return {
    command: programs.launcher,
    args: [
      programs.library,
      '--path',
      join(dataDir, 'store'),
      '--config-file',
      config,
      '--log-level',
      'warning',
      '--listen_host',
      host,
      '--http_port',
      String(port),
      '--query',
      // The second query never ends: the process lives until the launcher sees the end of stdin.
      'SYSTEM START LISTEN HTTP; SELECT sleepEachRow(3) FROM system.numbers FORMAT Null SETTINGS max_block_size = 1',
    ],
    files: [
      { path: config, content: renderConfig(options), mode: 0o600 },
      { path: usersFile(dataDir), content: renderUsers(options), mode: 0o600 },
    ],
    url: `http://${host}:${port}`,
    username,
    logFile: logFile(dataDir),
  };
}

/**
 * The program and the library of this checkout.
 * @throws CloverError CLV_CONFIG_INVALID when chdb has no library for this machine.
 */
export function embeddedPrograms(): EmbeddedPrograms {
  const launcher = new URL('../../native/codec/build/Release/clover-clickhouse', import.meta.url);
  return { launcher: fileURLToPath(launcher), library: libraryPath() };
}

function libraryPath(): string {
  const name = `@chdb/lib-linux-${process.arch}-gnu`;
  const require = createRequire(import.meta.url);
  for (const folder of require.resolve.paths(name) ?? []) {
    const path = join(folder, name, 'libchdb.so');
    if (existsSync(path)) return path;
  }
  throw new CloverError(
    'CLV_CONFIG_INVALID',
    `the embedded ClickHouse needs npm ${name}: run \`npm install\`, or name a ClickHouse by its URL`,
  );
}

const authorization = (password: string): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;

const usersFile = (dataDir: string): string => join(dataDir, 'users.xml');
const logFile = (dataDir: string): string => join(dataDir, 'clickhouse.log');

function xml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

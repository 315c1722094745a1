// The first page: what is live, or how to begin.
import { useEffect, useMemo, useState } from 'preact/hooks';
import { followClock, type Stream } from '../api';
import { ServerClock } from '../lib/clock';
import { count } from '../lib/format';
import { Header, SilentServer } from '../ui/header';
import { useStreams } from '../ui/use_streams';
import { PublishGuide } from './publish_guide';
import { StreamCard } from './stream_card';

// From here on a filter is quicker than looking.
const kManyStreams = 9;

function matches(stream: Stream, text: string): boolean {
  return `${stream.app}/${stream.name}`.toLowerCase().includes(text.trim().toLowerCase());
}

function Grid({ streams, now }: { streams: Stream[]; now: number }) {
  const [filter, setFilter] = useState('');
  const busiest = Math.max(1, ...streams.map((stream) => stream.viewers));
  const shown = streams.filter((stream) => matches(stream, filter));
  return (
    <>
      {streams.length >= kManyStreams && (
        <label class="filter">
          <span>Filter</span>
          <input type="search" value={filter} onInput={(e) => setFilter(e.currentTarget.value)} />
        </label>
      )}
      <ul class="cards">
        {shown.map((stream) => (
          <li key={`${stream.app}/${stream.name}`}>
            <StreamCard stream={stream} level={stream.viewers / busiest} now={now} />
          </li>
        ))}
      </ul>
      {shown.length === 0 && <p class="hint">No stream has “{filter}” in its name.</p>}
    </>
  );
}

export function ListPage() {
  const { listing } = useStreams();
  const clock = useMemo(() => new ServerClock(), []);
  useEffect(() => followClock(clock), [clock]);

  const list = listing.list;
  const streams = list?.streams ?? [];
  const viewers = streams.reduce((sum, stream) => sum + stream.viewers, 0);
  const summary = `${count(streams.length, 'stream', 'streams')}, ${count(viewers, 'viewer', 'viewers')}`;
  useEffect(() => {
    document.title = streams.length ? `(${streams.length}) Weir` : 'Weir';
  }, [streams.length]);

  return (
    <>
      <Header>{streams.length > 0 && <span class="summary">{summary}</span>}</Header>
      <main class="list">
        <SilentServer error={listing.error} />
        <h1>{list && !streams.length ? 'Nothing is live yet' : 'Live now'}</h1>
        {!list && !listing.error && <p class="hint">Asking the server…</p>}
        {streams.length > 0 && <Grid streams={streams} now={clock.now()} />}
        {list && !streams.length && <p class="lede">Send a stream and it appears here by itself.</p>}
        {list && <PublishGuide place={window.location} rtmpPort={list.rtmp_port} open={!streams.length} />}
      </main>
    </>
  );
}

// One stream: the picture, how it is doing, and where else to play it.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { findStream, followClock, publishedState } from '../api';
import { ServerClock } from '../lib/clock';
import { count } from '../lib/format';
import { playUrls, streamArguments, type StreamKey } from '../lib/paths';
import { chooseProtocol, kProtocolNames, usable, withProtocol, type Protocol } from '../lib/protocols';
import { describeAudio, describeVideo, first } from '../lib/tracks';
import { Header, SilentServer } from '../ui/header';
import { useStreams } from '../ui/use_streams';
import { abilities } from './abilities';
import { Addresses } from './addresses';
import { Player, type Snapshot } from './player';
import { Readings } from './readings';
import { Stage } from './stage';
import { statusWords } from './status_words';
import { showStats } from './weir_stats';

interface ChooserProps {
  choices: Protocol[];
  chosen: Protocol;
  choose: (protocol: Protocol) => void;
}

function Chooser({ choices, chosen, choose }: ChooserProps) {
  return (
    <fieldset class="chooser">
      <legend>Play over</legend>
      {choices.map((protocol) => (
        <label key={protocol}>
          <input
            type="radio"
            name="protocol"
            value={protocol}
            checked={protocol === chosen}
            onChange={() => choose(protocol)}
          />
          <span>{kProtocolNames[protocol]}</span>
        </label>
      ))}
    </fieldset>
  );
}

export function WatchPage({ streamKey }: { streamKey: StreamKey }) {
  const { listing, ask } = useStreams();
  const can = useMemo(abilities, []);
  const clock = useMemo(() => new ServerClock(), []);
  const video = useRef<HTMLVideoElement>(null);
  const [player, setPlayer] = useState<Player | null>(null);
  const [snapshot, setSnapshot] = useState<Snapshot | null>(null);
  const [protocol, setProtocol] = useState(() => chooseProtocol(window.location.search, can));

  const { search } = window.location;
  const urls = playUrls(window.location, streamKey, streamArguments(search), listing.list?.rtmp_port ?? 0);
  const stream = findStream(listing, streamKey);
  const published = publishedState(listing, streamKey);

  useEffect(() => followClock(clock), [clock]);
  useEffect(() => {
    if (!video.current || !protocol) return;
    const made = new Player({
      video: video.current,
      protocol,
      urls,
      native: !can.mse,
      serverNow: () => clock.now(),
      changed: setSnapshot,
      curious: ask,
    });
    showStats(made);
    setPlayer(made);
    setSnapshot(made.snapshot);
    return () => made.destroy();
  }, []);
  useEffect(() => {
    const has = stream?.tracks.length
      ? { video: !!first(stream.tracks, 'video'), audio: !!first(stream.tracks, 'audio') }
      : null;
    player?.setPublished(published, has);
  }, [player, published, stream]);
  useEffect(() => {
    document.title = `${streamKey.name}, ${streamKey.app} \u2013 Weir`;
  }, []);

  const choose = (next: Protocol) => {
    setProtocol(next);
    window.history.replaceState(null, '', withProtocol(window.location.search, next));
    player?.choose(next);
  };
  const embedded = new URLSearchParams(search).has('embed');
  const words = snapshot ? statusWords(snapshot, stream) : null;
  const stage = (
    <Stage videoRef={video} player={player} snapshot={snapshot} words={words} silent={!!stream && !first(stream.tracks, 'video')} />
  );
  if (embedded) return <main class="embedded">{stage}</main>;

  return (
    <>
      <Header>
        <a class="quiet" href="/">All streams</a>
      </Header>
      <main class="watch">
        <SilentServer error={listing.error} />
        <div class="title">
          <h1>
            <span class="card-app">{streamKey.app}/</span>
            <strong>{streamKey.name}</strong>
          </h1>
          {words && <span class={`pill ${words.tone}`} role="status">{words.short}</span>}
          {stream && <span class="title-fact">{count(stream.viewers, 'viewer', 'viewers')}</span>}
        </div>
        <div class="watch-grid">
          <div class="watch-picture">
            {protocol ? stage : <p class="lede">This browser can play neither HLS nor FLV. Use an address below in VLC or mpv.</p>}
            <div class="under">
              {protocol && <Chooser choices={usable(can)} chosen={protocol} choose={choose} />}
              {stream && (
                <p class="carries">
                  {[describeVideo(stream.tracks), describeAudio(stream.tracks)].filter(Boolean).join(', ')}
                </p>
              )}
            </div>
          </div>
          <aside class="watch-side">
            <Readings player={player} />
            <Addresses urls={urls} />
          </aside>
        </div>
      </main>
    </>
  );
}

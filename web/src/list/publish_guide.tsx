// How to send a stream here, with this server's real addresses.
import { rtmpServer, type Place } from '../lib/paths';
import { CopyLine } from '../ui/copy';

interface Props {
  place: Place;
  rtmpPort: number;
  open: boolean; // the only thing on the page, or folded away below the streams
}

function testPicture(url: string): string {
  return (
    'ffmpeg -re -f lavfi -i testsrc2=size=1280x720:rate=30 -f lavfi -i sine=frequency=440 ' +
    '-c:v libx264 -preset veryfast -tune zerolatency -pix_fmt yuv420p -g 60 -b:v 2500k ' +
    `-c:a aac -f flv ${url}`
  );
}

function Steps({ place, rtmpPort }: Props) {
  const server = rtmpServer(place, 'live', rtmpPort);
  return (
    <div class="guide">
      <section>
        <h2>From OBS</h2>
        <p>In Settings, Stream, choose the service “Custom…” and fill in:</p>
        <CopyLine label="Server" text={server} />
        <CopyLine label="Stream key" text="demo" note="any name you like" />
        <p class="hint">
          In Settings, Output, set the keyframe interval to 2 s. It decides how soon a new viewer sees
          a picture.
        </p>
      </section>
      <section>
        <h2>From ffmpeg</h2>
        <p>A test picture with a tone, to see that everything works:</p>
        <CopyLine label="Command" text={testPicture(`${server}/demo`)} />
        <p class="hint">
          Anything else that speaks RTMP takes the whole address: <code>{server}/demo</code>
        </p>
      </section>
      <section>
        <h2>Then watch</h2>
        <p>
          The stream shows up on this page within two seconds. Or wait for it
          at <a href="/live/demo">/live/demo</a>: the picture starts as soon as it is there.
        </p>
      </section>
    </div>
  );
}

export function PublishGuide(props: Props) {
  if (props.rtmpPort <= 0) return null; // RTMP is switched off here
  if (props.open) return <Steps {...props} />;
  return (
    <details class="fold">
      <summary>Publish a stream</summary>
      <Steps {...props} />
    </details>
  );
}

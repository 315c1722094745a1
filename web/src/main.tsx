// Which page an address is. The pages are separate documents: going from one to the other is a plain
// link, so nothing of a closed player can linger.
import { render } from 'preact';
import { ListPage } from './list/list_page';
import { parseWatchPath } from './lib/paths';
import { Header } from './ui/header';
import { WatchPage } from './watch/watch_page';

function NoSuchPage() {
  return (
    <>
      <Header />
      <main class="list">
        <h1>No page here</h1>
        <p class="lede">
          A stream’s page is its application and name, as in <a href="/live/demo">/live/demo</a>.
          All live streams are on the <a href="/">first page</a>.
        </p>
      </main>
    </>
  );
}

function page() {
  const { pathname } = window.location;
  if (pathname === '/' || pathname === '/index.html') return <ListPage />;
  const key = parseWatchPath(pathname);
  return key ? <WatchPage streamKey={key} /> : <NoSuchPage />;
}

const root = document.getElementById('app');
if (root) render(page(), root);

// Weir live-streaming server. MIT licence, see LICENSE.

// Connection: one peer's conversation in HTTP/1.x, a coroutine on one core: wait, read once, answer
// every request that is whole, write once. CoreServer: what the connections of one core share.
// Exchange: the memory that a request needs, lent to a connection only while it has one, so that an
// idle connection costs little. All internal to the server (server.h).
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <vector>

#include "net/core.h"
#include "net/http/output.h"
#include "net/http/parser.h"
#include "net/http/response_writer.h"
#include "net/http/router.h"
#include "net/http/server.h"
#include "net/task_group.h"
#include "net/tcp.h"

namespace weir::net::http {

// What a request needs while it is read and answered.
struct Exchange {
  std::vector<uint8_t> in;  // what was read; [begin, end) is not yet used up
  size_t begin = 0, end = 0;
  std::vector<uint8_t> head;  // the head's bytes, put aside while a body is read into `in`
  RequestParser parser;
  bool started = false;  // the parser is within a request
  Request request;
  std::string decoded, rewritten;  // what request.path may view
  Response response;
  Output out;

  ByteSpan unread() const { return {in.data() + begin, end - begin}; }
};

class Connection;

class CoreServer {
 public:
  CoreServer(Core&, const Router&, const HttpConfig&, ServerCounters&);

  Result<uint16_t> listen(const std::string& host, uint16_t port);
  void serve(std::unique_ptr<ByteStream>);
  // Stops accepting, ends what is idle.
  void drain();
  // Waits for the rest, cut after `grace`.
  Task<> finish(Time grace);

 private:
  friend Connection;
  Task<> accept_all();
  Task<> drive(std::unique_ptr<ByteStream>);
  void sweep();
  std::unique_ptr<Exchange> lend();
  void give_back(std::unique_ptr<Exchange>);

  Core& core_;
  const Router& router_;
  const HttpConfig& config_;
  ServerCounters& counters_;
  const ParserLimits limits_;
  ResponseWriter writer_;
  std::unique_ptr<TcpListener> listener_;
  bool stopping_ = false;
  std::list<Connection*> connections_;
  std::vector<std::unique_ptr<Exchange>> spare_;
  Timer sweeper_;
  TaskGroup tasks_;
};

class Connection {
 public:
  Connection(CoreServer&, std::unique_ptr<ByteStream>);
  ~Connection();
  Connection(const Connection&) = delete;

  // Returns when the connection is over or, with handover() filled, someone else's.
  Task<> run();
  struct Handover {
    std::unique_ptr<ByteStream> stream;
    Takeover to;
    Bytes early;
  };
  std::optional<Handover>& handover() { return handover_; }

  // Ends it when its deadline has passed.
  void check_deadline(Time now);
  // The server is stopping: ends it when it is idle.
  void drain();
  void cut() { stream_->close(); }

 private:
  enum class Phase : uint8_t { idle, reading, busy, writing, lingering };
  enum class Next : uint8_t { more, request, refusal, go_ahead };

  void rest();
  void read_some();
  Next parse();
  void begin_request();
  // Fills the response, or gives the handler to await.
  const AsyncHandler* dispatch();
  bool find_path();
  Follows render();
  bool flush_at_once();
  Task<> flush();
  Task<> send_source(Follows);
  Task<> linger();
  void hand_over();
  void allow(Time limit);
  void extend(size_t bytes, Time limit);
  void give_back();

  CoreServer& server_;
  std::unique_ptr<ByteStream> stream_;
  std::unique_ptr<Exchange> exchange_;
  Time due_{};  // zero: no limit
  Phase phase_ = Phase::idle;
  bool over_ = false;
  bool drained_ = true;   // the last read took all there was
  bool refused_ = false;  // the peer may still be sending what we will not read
  std::list<Connection*>::iterator place_;
  std::optional<Handover> handover_;
};

}  // namespace weir::net::http

// Weir live-streaming server. MIT licence, see LICENSE.

// Session: one RTMP connection from handshake to its one closing line: RTMP 1.0 with the replies,
// their order and the tolerance that encoders and players of the field expect, and Enhanced RTMP
// v2. It reads and acts; what must be written goes through the Outbox. Owned by its task, on the
// core where it was accepted. Leaves out access rules (the hub's) and everything about bytes
// (handshake, chunk_reader, commands ...).
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/log.h"
#include "hub/hub.h"
#include "net/byte_stream.h"
#include "net/task_group.h"
#include "protocols/rtmp/chunk_reader.h"
#include "protocols/rtmp/commands.h"
#include "protocols/rtmp/config.h"
#include "protocols/rtmp/egress.h"
#include "protocols/rtmp/ingest.h"
#include "protocols/rtmp/outbox.h"

namespace weir::rtmp {

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(hub::Hub& hub, net::ByteStream& stream, std::shared_ptr<const Config> config);
  ~Session();

  // The whole conversation. Ends when the peer leaves, breaks the protocol, falls silent or is
  // kicked.
  net::Task<> run();

 private:
  // What a player asked for on one message stream.
  struct Play {
    std::optional<hub::Subscription> subscription;  // empty after an end, a pause or a change
    StreamKey key;
    hub::PeerPtr peer;
    Form form;
    bool paused = false;
    bool shared = false;   // has the way out
    uint32_t changes = 0;  // of form and paused
  };
  // One message stream made by createStream.
  struct NetStream {
    std::unique_ptr<Ingest> publish;
    hub::PeerPtr peer;                // of the publisher
    std::shared_ptr<Play> play;       // its task holds on to it for as long as it waits in it
    net::Signal changed;              // play was stopped or altered: its task looks again
    bool audio = true, video = true;  // receiveAudio, receiveVideo
    bool has_task = false, closed = false;
    explicit NetStream(net::Core& core) : changed(core) {}
  };

  net::Task<Result<>> converse();
  net::Task<Result<>> handshake();
  net::Task<Result<>> messages();
  net::Task<Result<>> handle(const Message&);
  net::Task<Result<>> command(const Message&);
  void media(const Message&);
  void user_control(const Message&);
  void acknowledge();

  void connect(const Command&);
  Result<> create_stream(const Command&);
  // The message stream of that number; made when a peer that does not call createStream names it.
  Result<std::shared_ptr<NetStream>> stream_at(uint32_t stream_id);
  net::Task<Result<>> publish(const Command&, uint32_t stream_id);
  net::Task<Result<>> play(const Command&, uint32_t stream_id);
  Result<std::shared_ptr<Play>> wanted(const Command&, uint32_t stream_id, NetStream&);
  void pause(const Command&, uint32_t stream_id);
  void seek(uint32_t stream_id);
  void receive(Kind, const Command&, uint32_t stream_id);
  void altered(NetStream&);
  void close_stream(uint32_t stream_id);
  void delete_stream(uint32_t stream_id);
  void end_publish(NetStream&, hub::Ending how);
  void unpublish(uint32_t stream_id, NetStream&);
  void unpublish_by_name(std::string_view name);
  void tolerate(const Command&);

  // Plays one message stream until it is stopped. The first player of a connection shares the
  // fan-out's bytes; others on the same connection are muxed for themselves.
  net::Task<> player(uint32_t stream_id, std::shared_ptr<NetStream> ns);
  net::Task<Error> play_shared(Play& play);
  net::Task<Error> play_alone(const NetStream& ns, Play& play);
  void interrupt(Play&, std::string_view why);

  Result<StreamKey> key_of(std::string_view name, std::string& query) const;
  hub::PeerPtr new_peer(std::string query) const;
  void say(const Message&);
  void status(uint32_t stream_id, std::string_view code, std::string_view description,
              std::string_view level = "status");
  void expired();
  void close_because(Error);

  hub::Hub& hub_;
  net::ByteStream& stream_;
  std::shared_ptr<const Config> config_;
  net::Core& core_;
  Logger log_;
  net::TaskGroup players_;
  net::Deadline silence_;
  bool pinged_ = false, shaken_ = false;

  std::vector<uint8_t> buffer_;
  ChunkReader reader_;
  hub::PeerPtr peer_;  // of the connection as a whole; streams get copies
  Outbox outbox_;
  uint32_t chunk_size_out_ = kDefaultChunkSize;
  uint32_t ack_window_ = 0;
  uint64_t acknowledged_ = 0;
  uint64_t played_bytes_ = 0;  // sent to players that are gone

  bool connected_ = false;
  std::string app_, app_query_;
  bool multitrack_ = false;
  uint32_t last_stream_id_ = 0;
  std::map<uint32_t, std::shared_ptr<NetStream>> streams_;
  std::optional<Error> closing_;
};

}  // namespace weir::rtmp

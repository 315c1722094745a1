// Weir live-streaming server. MIT licence, see LICENSE.
#include "service/audience.h"

#include <gtest/gtest.h>

#include "hub/fixture.h"

namespace weir::service {
namespace {

using hub::testing::World;

TEST(Audience, CountsViewersOnAllCoresOnceAndForgetsThem) {
  World w(2);
  auto pub = w.publish();
  Audience audience(w.hub, "pages");
  const auto key = pub.key();
  for (int i = 0; i < 10; ++i) audience.seen(key, "10.0.0.1", "player");
  audience.seen(key, "10.0.0.2", "player");
  w.cores[1].post([&] {
    audience.seen(key, "10.0.0.1", "player");
    audience.seen(key, "10.0.0.1", "another player behind the same address");
  });
  w.cores.advance(2s);
  EXPECT_EQ(w.hub.list()[0].audience, 3u);
  for (int i = 0; i < 10; ++i) {
    w.cores.advance(2s);
    audience.seen(key, "10.0.0.2", "player");
  }
  EXPECT_EQ(w.hub.list()[0].audience, 1u);
  w.cores.advance(18s);
  EXPECT_EQ(w.hub.list()[0].audience, 0u);
  audience.stop();
}

TEST(Audience, AFloodOfAgentsIsBounded) {
  World w;
  auto pub = w.publish();
  Audience audience(w.hub, "pages");
  for (int i = 0; i < 150'000; ++i) audience.seen(pub.key(), "10.0.0.1", std::to_string(i));
  w.cores.advance(2s);
  EXPECT_EQ(w.hub.list()[0].audience, 100'000u);
  audience.stop();
}

}  // namespace
}  // namespace weir::service

#include "accounts/password.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "accounts/password_pool.h"
#include "accounts/password_verifier.h"

namespace smppd::accounts {
namespace {

struct Vector {
  const char* password;
  const char* hash;
};

// Made by other implementations: the argon2 reference's and crypt_blowfish's own tests, `openssl passwd -6` and `-5`.
constexpr Vector kVectors[] = {
    {"password", "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"},
    {"U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"},
    {"Hello world!",
     "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"},
    {"Hello world!", "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"},
    {"s3cret-pass", "$y$j9T$abcdefghijklmnop$Nxzo2UW57bxnfCmiJSYI/jaTLJzQtZJCnqvihU/gtU3"},
};
constexpr const char* kQuickHash = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";

Secret secret(const char* hash) {
  auto made = Secret::hashed(hash);
  EXPECT_TRUE(made.has_value()) << hash << ": " << made.error();
  return made.value_or(Secret());
}

TEST(Secret, AcceptsExactlyThePasswordOfHashesMadeElsewhere) {
  for (const Vector& vector : kVectors) {
    const Secret made = secret(vector.hash);
    EXPECT_TRUE(made.accepts(vector.password)) << vector.hash;
    EXPECT_FALSE(made.accepts(std::string(vector.password) + "x")) << vector.hash;
    EXPECT_FALSE(made.accepts("")) << vector.hash;
    EXPECT_FALSE(made.accepts(std::string(vector.password) + '\0' + "tail")) << "cut at the zero: " << vector.hash;
  }
}

TEST(Secret, PlainIsComparedWhole) {
  const Secret plain = Secret::plain("hunter2");
  EXPECT_TRUE(plain.accepts("hunter2"));
  for (const char* wrong : {"hunter", "hunter22", "Hunter2", ""}) EXPECT_FALSE(plain.accepts(wrong)) << wrong;
  EXPECT_FALSE(Secret().accepts(""));
}

TEST(Secret, RefusesHashesThatCannotBeRight) {
  for (const char* bad : {"", "hunter2", "$1$saltsalt$abc", "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ", "$argon2id$",
                          "$argon2id$v=19$m=256,t=0,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
                          "$argon2id$v=19$m=99999999,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
                          "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
                          "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe",
                          "$2b$99$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
                          "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjlO", "$y$j9T$abc$Nxzo", "$6$"}) {
    const auto made = Secret::hashed(bad);
    EXPECT_FALSE(made.has_value()) << bad;
  }
}

// Lets a test decide when the pool may go on, and collects answers.
class Gate {
 public:
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    change_.notify_all();
  }
  void wait_open() {
    std::unique_lock lock(mutex_);
    ++arrived_;
    change_.notify_all();
    change_.wait(lock, [this] { return open_; });
  }
  void wait_arrived(int count) {
    std::unique_lock lock(mutex_);
    change_.wait(lock, [&] { return arrived_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable change_;
  bool open_ = false;
  int arrived_ = 0;
};

class Answers {
 public:
  PasswordVerifier::Done collect() {
    return [this](bool right) {
      const std::lock_guard lock(mutex_);
      (right ? right_ : wrong_)++;
      change_.notify_all();
    };
  }
  void wait(int count) {
    std::unique_lock lock(mutex_);
    change_.wait(lock, [&] { return right_ + wrong_ >= count; });
  }
  int right() {
    const std::lock_guard lock(mutex_);
    return right_;
  }
  int wrong() {
    const std::lock_guard lock(mutex_);
    return wrong_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable change_;
  int right_ = 0;
  int wrong_ = 0;
};

TEST(PasswordPool, RefusesWhenTheQueueIsFullAndRunsWhatItTook) {
  Gate gate;
  std::atomic<int> ran = 0;
  {
    PasswordPool pool({.threads = 1, .queue = 2, .per_owner = 10});
    ASSERT_TRUE(pool.submit(1, [&] { gate.wait_open(), ++ran; }));
    gate.wait_arrived(1);
    ASSERT_TRUE(pool.submit(1, [&] { ++ran; }));
    ASSERT_TRUE(pool.submit(2, [&] { ++ran; }));
    EXPECT_EQ(pool.waiting(), 2U);
    EXPECT_FALSE(pool.submit(3, [&] { ++ran; }));
    gate.open();
    Gate last;
    last.open();
    while (!pool.submit(4, [&] { last.wait_open(); })) std::this_thread::yield();
    last.wait_arrived(1);
  }
  EXPECT_EQ(ran, 3);
}

TEST(PasswordPool, OneOwnerCannotTakeTheWholeQueue) {
  Gate gate;
  PasswordPool pool({.threads = 1, .queue = 100, .per_owner = 2});
  ASSERT_TRUE(pool.submit(7, [&] { gate.wait_open(); }));
  ASSERT_TRUE(pool.submit(7, [] {}));
  EXPECT_FALSE(pool.submit(7, [] {}));
  EXPECT_TRUE(pool.submit(8, [] {}));
  gate.open();
  while (!pool.submit(7, [] {})) std::this_thread::yield();  // its jobs are done, so it may come again
}

TEST(PasswordVerifier, AnswersPlainPasswordsAtOnce) {
  PasswordPool pool({.threads = 1, .queue = 1, .per_owner = 1});
  PasswordVerifier verifier(pool);
  const Secret plain = Secret::plain("pw");
  EXPECT_EQ(verifier.verify(message::ClientId(1), "a", plain, "pw", nullptr), PasswordVerifier::Answer::kRight);
  EXPECT_EQ(verifier.verify(message::ClientId(1), "a", plain, "no", nullptr), PasswordVerifier::Answer::kWrong);
  EXPECT_EQ(verifier.verify(message::ClientId(1), "a", Secret(), "", nullptr), PasswordVerifier::Answer::kWrong);
}

TEST(PasswordVerifier, ChecksAHashOnceAndRemembersBothAnswers) {
  PasswordPool pool({.threads = 1, .queue = 10, .per_owner = 10});
  PasswordVerifier verifier(pool);
  const Secret hash = secret(kQuickHash);
  Answers answers;
  const message::ClientId id(1);
  EXPECT_EQ(verifier.verify(id, "a", hash, "U*U", answers.collect()), PasswordVerifier::Answer::kLater);
  EXPECT_EQ(verifier.verify(id, "a", hash, "guess", answers.collect()), PasswordVerifier::Answer::kLater);
  answers.wait(2);
  EXPECT_EQ(answers.right(), 1);
  EXPECT_EQ(answers.wrong(), 1);
  EXPECT_EQ(verifier.verify(id, "a", hash, "U*U", nullptr), PasswordVerifier::Answer::kRight);
  EXPECT_EQ(verifier.verify(id, "a", hash, "guess", nullptr), PasswordVerifier::Answer::kWrong);
}

TEST(PasswordVerifier, AChangedHashOrAnotherClientIsANewQuestion) {
  PasswordPool pool({.threads = 1, .queue = 10, .per_owner = 10});
  PasswordVerifier verifier(pool);
  Answers answers;
  const message::ClientId id(1);
  ASSERT_EQ(verifier.verify(id, "a", secret(kQuickHash), "U*U", answers.collect()), PasswordVerifier::Answer::kLater);
  answers.wait(1);
  EXPECT_EQ(verifier.verify(id, "b", secret(kQuickHash), "U*U", answers.collect()), PasswordVerifier::Answer::kLater);
  const Secret changed = secret("$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5");
  EXPECT_EQ(verifier.verify(id, "a", changed, "U*U", answers.collect()), PasswordVerifier::Answer::kLater);
  answers.wait(3);
  EXPECT_EQ(answers.right(), 2);
  EXPECT_EQ(answers.wrong(), 1);
}

TEST(PasswordVerifier, SaysBusyWhenThePoolIsFullAndForgetsTheQuestion) {
  Gate gate;
  PasswordPool pool({.threads = 1, .queue = 1, .per_owner = 10});
  PasswordVerifier verifier(pool);
  ASSERT_TRUE(pool.submit(9, [&] { gate.wait_open(); }));
  gate.wait_arrived(1);
  ASSERT_TRUE(pool.submit(9, [] {}));
  Answers answers;
  const Secret hash = secret(kQuickHash);
  EXPECT_EQ(verifier.verify(message::ClientId(1), "a", hash, "U*U", answers.collect()),
            PasswordVerifier::Answer::kBusy);
  gate.open();
  PasswordVerifier::Answer answer;
  do {
    answer = verifier.verify(message::ClientId(1), "a", hash, "U*U", answers.collect());
  } while (answer == PasswordVerifier::Answer::kBusy);
  EXPECT_EQ(answer, PasswordVerifier::Answer::kLater);
  answers.wait(1);
  EXPECT_EQ(answers.right(), 1);
}

TEST(PasswordVerifier, RebindsOfOneClientFromManyThreadsCostOneCheckAndAllAreAnswered) {
  Gate gate;
  PasswordPool pool({.threads = 2, .queue = 4, .per_owner = 2});
  PasswordVerifier verifier(pool);
  const Secret hash = secret(kQuickHash);
  Answers answers;
  std::atomic<int> later = 0;
  std::atomic<int> at_once = 0;
  std::vector<std::thread> shards;
  for (int shard = 0; shard < 4; ++shard) {
    shards.emplace_back([&] {
      for (int i = 0; i < 100; ++i) {
        switch (verifier.verify(message::ClientId(1), "a", hash, "U*U", answers.collect())) {
          case PasswordVerifier::Answer::kLater: ++later; break;
          case PasswordVerifier::Answer::kRight: ++at_once; break;
          default: ADD_FAILURE() << "busy or wrong"; break;
        }
      }
    });
  }
  for (std::thread& shard : shards) shard.join();
  answers.wait(later);
  EXPECT_EQ(answers.right(), later);
  EXPECT_EQ(later + at_once, 400);
  EXPECT_GT(later, 0);
}

}  // namespace
}  // namespace smppd::accounts

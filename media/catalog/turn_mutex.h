// One thing at a time, hosts first: between two transactions of the archive every host that waits
// has its turn, so that it waits for one of them at most, however many follow each other.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>

namespace tapeloft::media {

/// A Lockable for those who are first.
class TurnMutex {
  public:
    /// A Lockable for those who let them go first.
    class Patient {
      public:
        explicit Patient(TurnMutex& mutex) : mutex_(mutex) {}

        void lock() {
            std::unique_lock lock(mutex_.mutex_);
            mutex_.free_.wait(lock,
                              [this] { return !mutex_.taken_ && mutex_.first_waiting_ == 0; });
            mutex_.taken_ = true;
        }
        void unlock() { mutex_.unlock(); }

      private:
        TurnMutex& mutex_;
    };

    void lock() {
        std::unique_lock lock(mutex_);
        ++first_waiting_;
        first_.wait(lock, [this] { return !taken_; });
        --first_waiting_;
        taken_ = true;
    }
    void unlock() {
        bool first = false;
        {
            const std::lock_guard lock(mutex_);
            taken_ = false;
            first = first_waiting_ != 0;
        }
        if (first) {
            first_.notify_one();
        } else {
            free_.notify_one();
        }
    }

  private:
    std::mutex mutex_;
    std::condition_variable first_;
    std::condition_variable free_;
    std::size_t first_waiting_ = 0;
    bool taken_ = false;
};

}  // namespace tapeloft::media

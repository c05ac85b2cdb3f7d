// What EXPECTED.json says of the tapes, compared with a scan of them, wherever they lie: up to what
// the archives in them hold. Each fails the test that calls it.
#pragma once

#include "media/pbs/store/collection.h"

namespace tapeloft::media {

/// Labels and media sets; no finding.
void expect_golden_labels(const Collection& collection);
/// Each tape file and its content. full: no catalog was trusted, so more is known of each.
void expect_golden_files(const Collection& collection, bool full);
/// Streams and chunks, byte for byte. collection: of a full scan.
void expect_golden_streams(const Collection& collection);
/// Every copy of every snapshot, with what its archives and blobs hold.
void expect_golden_snapshots(const Collection& collection);
/// A verification, with the key and without.
void expect_golden_verification(const Collection& collection);

}  // namespace tapeloft::media

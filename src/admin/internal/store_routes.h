// The endpoints of the store: /store/stats, /api/dead-letters, /api/messages.
#pragma once

#include <functional>

#include "admin/management.h"
#include "admin/storekeeper.h"
#include "http/router.h"

namespace smppd::admin {

// Runs what renders an answer on the HTTP thread; from any thread.
using ToHttpThread = std::function<void(std::function<void()>)>;

// Both outlive the router.
void add_store_routes(http::Router& router, Backend& backend, Storekeeper& storekeeper, ToHttpThread to_http_thread);

}  // namespace smppd::admin

#include "upstream/mock_link.h"

// SPDX-License-Identifier: MIT
import { showErrors } from "./errors.js";
import { showFlame } from "./flame.js";
import { showFooter } from "./footer.js";
import { showFunctions } from "./functions.js";
import { showRequests } from "./requests.js";
import { onSearch } from "./search.js";
import { showSummary } from "./summary.js";
import { showTheme } from "./theme.js";
import { showTimeline } from "./timeline.js";
import "./style.css"; // after that of the flame graph, which it overrides

showTheme();
showSummary();
onSearch(showFlame());
onSearch(showFunctions());
onSearch(showErrors());
showTimeline();
showRequests();
showFooter();
document.documentElement.dataset.ready = "yes";

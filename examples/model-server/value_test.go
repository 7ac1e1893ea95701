package main

import (
	"strings"
	"testing"
)

func TestValueAndConversionsAreSummedUp(t *testing.T) {
	service, server := startService(t, settings{})
	draws := []float64{0.1, 0.9} // the first offer is taken, the second one is not
	service.value.uniform = func() float64 { draw := draws[0]; draws = draws[1:]; return draw }
	service.value.varied = func() float64 { return 2 }
	get(t, server.URL+approved)
	get(t, server.URL+approved)
	get(t, server.URL+declined)
	get(t, server.URL+"/v1/score") // refused: worth nothing, and nothing was decided
	_, text := get(t, server.URL+"/metrics")
	for _, line := range []string{
		"headgate_value_sum 200", "headgate_value_count 3", // 1000 at 5 %, half of all offers taken, twice the mean
		"headgate_conversion_sum 1", "headgate_conversion_count 2",
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("%s is missing in\n%s", line, text)
		}
	}
}

func TestAVersionOfLessValueConvertsLess(t *testing.T) {
	service, server := startService(t, settings{lessValue: 0.5})
	service.value.uniform = func() float64 { return 0.3 } // below 0.5, above 0.5 · 0.5
	get(t, server.URL+approved)
	if taken := service.value.taken; taken.sum != 0 || taken.count != 1 {
		t.Errorf("taken %g of %d", taken.sum, taken.count)
	}
}

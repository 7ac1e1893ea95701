package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// fewestApplications is what a median can be trusted with.
const fewestApplications = 400

// fitted is what a run of `fit` comes to.
type fitted struct {
	model  model
	from   []application
	scores []float64 // what the fitted model says of each
}

// fitMain is `model-server fit`: it fits the model to applications and writes into a directory
// parameters.json (environment variables of a server), training.csv (each application with its score as `predictions`)
// and edges.json (the edges by which a server counts each column).
func fitMain(ctx context.Context, arguments []string, errorOutput io.Writer) error {
	flags := flag.NewFlagSet("model-server fit", flag.ContinueOnError)
	flags.SetOutput(errorOutput)
	from := flags.String("from", "", "URL of the applications, an object of JSON each line: /requests of a server (required)")
	to := flags.String("to", "", "directory to write into (required)")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if *from == "" || *to == "" || flags.NArg() > 0 {
		return errors.New("model-server fit -from URL -to DIRECTORY")
	}
	applications, err := fetchApplications(ctx, *from)
	if err != nil {
		return err
	}
	result, err := fit(applications)
	if err != nil {
		return fmt.Errorf("%s: %w", *from, err)
	}
	fmt.Fprintf(errorOutput, "fitted to %d applications: their typical income is %g\n", len(applications), result.model.typicalIncome)
	return result.write(*to)
}

func fetchApplications(ctx context.Context, url string) ([]application, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s", url, response.Status)
	}
	var found []application
	for lines := json.NewDecoder(response.Body); ; {
		one := application{}
		switch err := lines.Decode(&one); {
		case errors.Is(err, io.EOF):
			return found, nil
		case err != nil:
			return nil, fmt.Errorf("%s: application %d: %w", url, len(found)+1, err)
		}
		if err := checkApplication(one); err != nil {
			return nil, fmt.Errorf("%s: application %d: %w", url, len(found)+1, err)
		}
		found = append(found, one)
	}
}

func fit(applications []application) (fitted, error) {
	if n := len(applications); n < fewestApplications {
		return fitted{}, fmt.Errorf("%d applications are too few to fit to, %d are needed: does the server keep them (KEPT_REQUESTS)?", n, fewestApplications)
	}
	incomes := make([]float64, len(applications))
	for i, one := range applications {
		incomes[i] = one["income"]
	}
	slices.Sort(incomes)
	result := fitted{model: model{incomes[len(incomes)/2]}, from: applications}
	for _, one := range applications {
		result.scores = append(result.scores, result.model.assess(one).score)
	}
	return result, nil
}

func (f fitted) write(directory string) error {
	edges := map[string][]float64{"predictions": scoreEdges}
	for _, field := range fields {
		edges[field.name] = field.edges
	}
	parameters := map[string]string{"TYPICAL_INCOME": strconv.FormatFloat(f.model.typicalIncome, 'f', -1, 64)}
	for name, content := range map[string]any{"parameters.json": parameters, "edges.json": edges} {
		text, err := json.Marshal(content)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(directory, name), append(text, '\n'), 0o644); err != nil {
			return err
		}
	}
	return f.writeRows(filepath.Join(directory, "training.csv"))
}

func (f fitted) writeRows(path string) error {
	number := func(value float64) string { return strconv.FormatFloat(value, 'f', -1, 64) }
	header := []string{}
	for _, field := range fields {
		header = append(header, field.name)
	}
	rows := [][]string{append(header, "predictions")}
	for i, one := range f.from {
		row := []string{}
		for _, field := range fields {
			row = append(row, number(one[field.name]))
		}
		rows = append(rows, append(row, number(f.scores[i])))
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(csv.NewWriter(file).WriteAll(rows), file.Close())
}

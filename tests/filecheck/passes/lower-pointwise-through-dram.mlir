// RUN: pqc opt %s -p lower-to-pqa | filecheck %s

// Nothing stays on chip, and the table buffer has 64 bytes: tables of single channels come one after the other, each for
// all that it is needed for, so that the next one can come meanwhile. The gate passes through the buffer, too.
// CHECK: pqa.tensor "sigmoid" kind 2
// CHECK: pqa.map source = {{.*}} <{{.*}}entries = 64, {{.*}}planes = 2, rows = 4, columns = 4>
// CHECK-NEXT: pqa.store
// CHECK: [[F:%[^ ]+]] = pqa.allocate : !pqa.region<activation, 2>
// CHECK-NEXT: pqa.load {{.*}}address = [[F]] <item_bytes = 2,
// CHECK: pqa.multiply left = {{.*}}, right = [[F]], {{.*}}<left_storage = 1, left_plane_stride = 16, left_row_stride = 4, left_column_stride = 1, right_plane_stride = 1, destination_storage
// CHECK: [[A:%[^ ]+]] = pqa.allocate : !pqa.region<table, 64>
// CHECK-NEXT: pqa.load {{.*}}address = [[A]] <item_bytes = 64,
// CHECK: pqa.map source = {{.*}}, table = [[A]], {{.*}}table_per_plane = 1, {{.*}}planes = 1, rows = 4, columns = 4>
// CHECK-NEXT: pqa.store
// CHECK: [[B:%[^ ]+]] = pqa.allocate : !pqa.region<table, 64>
// CHECK: pqa.map source = {{.*}}, table = [[B]], {{.*}}planes = 1, rows = 4, columns = 4>

builtin.module attributes {pqc.schedule = {layers = {}, on_chip = []}, pqc.inputs = ["image", "gates"], pqc.outputs = ["y"], pqc.target = {accumulator_bits = 16 : i64, buffers = {accumulator = 64.0 : f64, activation = 256.0 : f64, codebook = 32.0 : f64, table = 0.0625 : f64}, clock_mhz = 300.0 : f64, conventional = {accumulator_bits = 32 : i64, input_lanes = 8 : i64, output_lanes = 8 : i64}, dram = {bandwidth_gb_s = 35.2 : f64, efficiency = 0.8 : f64, latency_cycles = 0 : i64}, encode = {length_lanes = 16 : i64, metrics = ["l2", "l1"], prototype_lanes = 16 : i64, subspace_lanes = 16 : i64}, lookup = {output_lanes = 32 : i64, subspace_lanes = 16 : i64}, name = "pqa", requantize = "multiply", vector = {lanes = 32 : i64}}} {
  func.func @main(%x: !pq.tensor<?x2x4x4xui6, 0.5>, %g: !pq.tensor<?x2x1x1xui8, 0.5>) -> !pq.tensor<?x2x4x4xsi8, 0.5> {
    %table = blob.constant <"map of 64", "a1dbbea5114b0f90"> : tensor<1x64xsi8>
    %tables = blob.constant <"map of 64 for 2 channels", "43cf6e84fb1879fd"> : tensor<2x64xsi8>
    %s = qnn.map %x, %table : !pq.tensor<?x2x4x4xui6, 0.5>, tensor<1x64xsi8> -> !pq.tensor<?x2x4x4xsi3, 0.5> loc("sigmoid")
    %m = qnn.multiply %s, %g multiplier 16384 shift 14 clip [-128, 127] : !pq.tensor<?x2x4x4xsi3, 0.5>, !pq.tensor<?x2x1x1xui8, 0.5> -> !pq.tensor<?x2x4x4xsi8, 0.5> loc("gate")
    %p = qnn.map %x, %tables : !pq.tensor<?x2x4x4xui6, 0.5>, tensor<2x64xsi8> -> !pq.tensor<?x2x4x4xsi8, 0.5> loc("prelu")
    %y = qnn.multiply %m, %p multiplier 16384 shift 14 clip [-128, 127] : !pq.tensor<?x2x4x4xsi8, 0.5>, !pq.tensor<?x2x4x4xsi8, 0.5> -> !pq.tensor<?x2x4x4xsi8, 0.5> loc("product")
    func.return %y : !pq.tensor<?x2x4x4xsi8, 0.5>
  }
}
